//! Functions that take shadow stack around their body.
//!
//! ```text
//! sp -= n
//! block (results of the function)   ; in the place of the function's own label
//!   the body, `return` as a branch to the block
//! end
//! sp += n
//! ```
//!
//! The block has the depth the function's label had, so every branch in the
//! body, a `br_table` or a `try_table` catch to the function's label included,
//! stands as it is.

use wasm_encoder::{BlockType, Encode, InstructionSink, ValType};

use super::layout::Layout;
use crate::error::Error;

/// The alignment the C ABI of WebAssembly keeps on the shadow stack.
const ALIGNMENT: u32 = 16;

/// The wrapper of one function's body.
pub(super) struct Wrap {
    pub(super) name: String,
    pub(super) prologue: Vec<u8>,
    pub(super) epilogue: Vec<u8>,
}

/// A type to be added to the module: no parameters, these results.
pub(super) type ResultType = Vec<ValType>;

/// Plans the wrapping of a function. A block with several results needs a type
/// of its own, which is added to `types`; `first_type` is the index the first
/// of those will have.
pub(super) fn plan(
    layout: &Layout<'_>,
    (name, bytes): (&str, u32),
    first_type: u32,
    types: &mut Vec<ResultType>,
) -> Result<(usize, Wrap), Error> {
    let refusal = |reason| Error::Wrap {
        name: name.to_owned(),
        reason,
    };
    let function = layout.names.index(name)?;
    let Some(body) = function.checked_sub(layout.imported_functions) else {
        return Err(refusal("it is imported"));
    };
    if bytes == 0 || !bytes.is_multiple_of(ALIGNMENT) || bytes > i32::MAX.cast_unsigned() {
        return Err(refusal(
            "the bytes to take are not a multiple of 16 above 0",
        ));
    }
    let pointer = stack_pointer(layout).ok_or_else(|| {
        refusal("the module has no stack pointer: a mutable i32 global, named `__stack_pointer` or the first")
    })?;
    let signature = layout.function_type(function);
    let results: Vec<ValType> = signature
        .ok_or_else(|| refusal("its type is unknown"))?
        .results()
        .iter()
        .map(|result| ValType::try_from(*result))
        .collect::<Result<_, _>>()
        .map_err(|_| refusal("its result type is unknown"))?;
    let block = match results.as_slice() {
        [] => BlockType::Empty,
        [result] => BlockType::Result(*result),
        _ => {
            types.push(results);
            BlockType::FunctionType(first_type + types.len() as u32 - 1)
        }
    };
    let bytes = bytes.cast_signed();
    let mut prologue = Vec::new();
    let mut sink = InstructionSink::new(&mut prologue);
    sink.global_get(pointer)
        .i32_const(bytes)
        .i32_sub()
        .global_set(pointer);
    sink.block(block);
    let mut epilogue = Vec::new();
    let mut sink = InstructionSink::new(&mut epilogue);
    sink.global_get(pointer)
        .i32_const(bytes)
        .i32_add()
        .global_set(pointer);
    sink.end();
    let wrap = Wrap {
        name: name.to_owned(),
        prologue,
        epilogue,
    };
    Ok((body as usize, wrap))
}

/// Encodes the type of a block with several results.
pub(super) fn encode_type(results: &ResultType, bytes: &mut Vec<u8>) {
    encode_function_type(&[], results, bytes);
}

/// Encodes a function type as in the type section.
pub(super) fn encode_function_type(
    parameters: &[ValType],
    results: &[ValType],
    bytes: &mut Vec<u8>,
) {
    bytes.push(0x60);
    parameters.encode(bytes);
    results.encode(bytes);
}

/// The global that holds the end of the shadow stack.
pub(super) fn stack_pointer(layout: &Layout<'_>) -> Option<u32> {
    let wanted = layout.stack_pointer.unwrap_or(0);
    layout
        .mutable_globals()
        .find(|(index, global)| *index == wanted && global.content_type == wasmparser::ValType::I32)
        .map(|(index, _)| index)
}
