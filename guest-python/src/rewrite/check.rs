//! The look at the interrupt flag.

use wasm_encoder::{BlockType, InstructionSink, MemArg};

/// Encodes the look at the flag: trap unless the four bytes at `flag` are 0.
pub(super) fn encode_check(sink: &mut InstructionSink<'_>, flag: u32) {
    let place = MemArg {
        offset: flag.into(),
        align: 2,
        memory_index: 0,
    };
    sink.i32_const(0).i32_load(place);
    sink.if_(BlockType::Empty).unreachable().end();
}
