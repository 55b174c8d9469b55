//! Copying and filling memory so that a long operation can be interrupted.

use wasm_encoder::{BlockType, Encode, Function, InstructionSink, ValType};

use super::check::encode_check;

/// The most that is copied or filled without a look at the interrupt flag. At
/// memory speed that is some tens of microseconds.
pub const BULK_CHUNK_BYTES: u32 = 1 << 20;

const DESTINATION: u32 = 0;
/// The source of a copy, the value of a fill.
const SOURCE: u32 = 1;
const LENGTH: u32 = 2;

/// The parameters of both functions.
pub(super) const PARAMETERS: [ValType; 3] = [ValType::I32; 3];

/// The two functions that replace bulk operations.
#[derive(Clone, Copy)]
enum Operation {
    Copy,
    Fill,
}

/// A function with the meaning of `memory.copy`, overlaps included: it copies
/// upwards when the destination is below the source, else downwards, so that no
/// chunk is overwritten before it was read.
pub(super) fn copy_function(flag: u32) -> Vec<u8> {
    let mut function = Function::new([]);
    let mut sink = function.instructions();
    direct_if_short_or_out_of_bounds(&mut sink, Operation::Copy);
    sink.local_get(DESTINATION).local_get(SOURCE).i32_le_u();
    sink.if_(BlockType::Empty);
    upwards(&mut sink, Operation::Copy, flag);
    sink.end();
    downwards(&mut sink, flag);
    sink.end();
    encoded(&function)
}

/// A function with the meaning of `memory.fill`.
pub(super) fn fill_function(flag: u32) -> Vec<u8> {
    let mut function = Function::new([]);
    let mut sink = function.instructions();
    direct_if_short_or_out_of_bounds(&mut sink, Operation::Fill);
    upwards(&mut sink, Operation::Fill, flag);
    sink.end();
    encoded(&function)
}

/// Leaves an operation of one chunk at most to the instruction, and one that is
/// out of bounds too: it then traps as it should, with nothing written. What
/// follows need not think about addresses that wrap around.
fn direct_if_short_or_out_of_bounds(sink: &mut InstructionSink<'_>, operation: Operation) {
    sink.block(BlockType::Empty).block(BlockType::Empty);
    sink.local_get(LENGTH);
    sink.i32_const(BULK_CHUNK_BYTES.cast_signed())
        .i32_le_u()
        .br_if(0);
    branch_if_out_of_bounds(sink, DESTINATION);
    if let Operation::Copy = operation {
        branch_if_out_of_bounds(sink, SOURCE);
    }
    sink.br(1).end();
    whole(sink, operation);
    sink.return_().end();
}

fn branch_if_out_of_bounds(sink: &mut InstructionSink<'_>, start: u32) {
    sink.local_get(start).i64_extend_i32_u();
    sink.local_get(LENGTH).i64_extend_i32_u().i64_add();
    sink.memory_size(0).i64_extend_i32_u();
    sink.i64_const(16).i64_shl().i64_gt_u().br_if(0);
}

/// Chunks from the lowest address on; leaves by `return`.
fn upwards(sink: &mut InstructionSink<'_>, operation: Operation, flag: u32) {
    sink.loop_(BlockType::Empty);
    check_then_finish_last(sink, operation, flag);
    sink.local_get(DESTINATION).local_get(SOURCE);
    chunk(sink, operation);
    add_chunk(sink, DESTINATION);
    if let Operation::Copy = operation {
        add_chunk(sink, SOURCE);
    }
    shorten(sink);
    sink.br(0).end();
}

/// Chunks from the highest address on; leaves by `return`.
fn downwards(sink: &mut InstructionSink<'_>, flag: u32) {
    sink.loop_(BlockType::Empty);
    check_then_finish_last(sink, Operation::Copy, flag);
    shorten(sink);
    sink.local_get(DESTINATION).local_get(LENGTH).i32_add();
    sink.local_get(SOURCE).local_get(LENGTH).i32_add();
    chunk(sink, Operation::Copy);
    sink.br(0).end();
}

fn check_then_finish_last(sink: &mut InstructionSink<'_>, operation: Operation, flag: u32) {
    encode_check(sink, flag);
    sink.local_get(LENGTH);
    sink.i32_const(BULK_CHUNK_BYTES.cast_signed()).i32_le_u();
    sink.if_(BlockType::Empty);
    whole(sink, operation);
    sink.return_().end();
}

fn whole(sink: &mut InstructionSink<'_>, operation: Operation) {
    sink.local_get(DESTINATION)
        .local_get(SOURCE)
        .local_get(LENGTH);
    instruction(sink, operation);
}

fn chunk(sink: &mut InstructionSink<'_>, operation: Operation) {
    sink.i32_const(BULK_CHUNK_BYTES.cast_signed());
    instruction(sink, operation);
}

fn instruction(sink: &mut InstructionSink<'_>, operation: Operation) {
    match operation {
        Operation::Copy => sink.memory_copy(0, 0),
        Operation::Fill => sink.memory_fill(0),
    };
}

fn add_chunk(sink: &mut InstructionSink<'_>, local: u32) {
    sink.local_get(local);
    sink.i32_const(BULK_CHUNK_BYTES.cast_signed()).i32_add();
    sink.local_set(local);
}

fn shorten(sink: &mut InstructionSink<'_>) {
    sink.local_get(LENGTH);
    sink.i32_const(BULK_CHUNK_BYTES.cast_signed()).i32_sub();
    sink.local_set(LENGTH);
}

pub(super) fn encoded(function: &Function) -> Vec<u8> {
    let mut bytes = Vec::new();
    function.encode(&mut bytes);
    bytes
}
