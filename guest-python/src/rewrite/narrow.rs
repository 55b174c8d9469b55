//! Casting integers to the width of a pointer where they fit.
//!
//! numpy casts an array of positions (what `take` or `repeat` is given) to its
//! pointer-sized integer. Where integers have 64 bits and pointers 32, it
//! refuses every array of integers in some functions, and in others cuts values
//! that do not fit. With a narrowing, the values decide:
//!
//! ```text
//! if to is pointer-sized, array is wider and rule is not "unsafe": each value fits
//! else: may_cast(array, to, rule)
//! ```

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

use super::check::encode_check;
use super::layout::Layout;
use crate::error::Error;

/// A call in one function that decides about a cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowing {
    /// The function that calls.
    pub function: String,
    /// The function called, once: an array, a type, a rule; it returns whether
    /// the array may be cast to the type.
    pub calls: String,
}

/// Parameters of the function called, and of the one in its place.
pub(super) const PARAMETERS: [ValType; 3] = [ValType::I32; 3];
/// Their result.
pub(super) const RESULTS: [ValType; 1] = [ValType::I32];

const ARRAY: u32 = 0;
const TYPE: u32 = 1;
const RULE: u32 = 2;
// Locals.
const DIMENSIONS: u32 = 3;
const AXIS: u32 = 4;
const COUNT: u32 = 5;
const INDEX: u32 = 6;
const REST: u32 = 7;
const PLACE: u32 = 8;
const EXTENT: u32 = 9;
const WIDE: u32 = 10;
const UNSIGNED: u32 = 11;
const VALUE: u32 = 12;

/// Fields of `PyArrayObject` and `PyArray_Descr` where pointers have 32 bits.
mod layout_of {
    pub(super) const DATA: u64 = 8;
    pub(super) const NDIM: u64 = 12;
    pub(super) const SHAPE: u64 = 16;
    pub(super) const STRIDES: u64 = 20;
    pub(super) const TYPE: u64 = 28;
    pub(super) const BYTE_ORDER: u64 = 14;
    pub(super) const NUMBER: u64 = 16;
}

/// Type numbers of numpy: `long` is as wide as a pointer.
const UINT: i32 = 6;
const LONG: i32 = 7;
const ULONG: i32 = 8;
const LONGLONG: i32 = 9;
const ULONGLONG: i32 = 10;
/// numpy's rule that admits every cast.
const UNSAFE: i32 = 4;
const BIG_ENDIAN: i32 = '>' as i32;

/// Where a narrowing applies: the position of the body, and the function whose
/// call is replaced.
pub(super) fn find(layout: &Layout<'_>, narrowing: &Narrowing) -> Result<(usize, u32), Error> {
    let refusal = |reason| Error::Narrowing {
        function: narrowing.function.clone(),
        calls: narrowing.calls.clone(),
        reason,
    };
    let called = layout.names.index(&narrowing.calls)?;
    let i32 = wasmparser::ValType::I32;
    let signature = layout.function_type(called);
    if signature.is_none_or(|ty| ty.params() != [i32; 3] || ty.results() != [i32]) {
        return Err(refusal(
            "the function called does not take three words and return one",
        ));
    }
    let position = layout.body_of(&narrowing.function)?;
    let body = layout
        .bodies
        .get(position)
        .ok_or_else(|| refusal("it has no body"))?;
    let mut reader = body.get_operators_reader()?;
    let mut calls = 0;
    while !reader.eof() {
        let call = reader.read()?;
        if matches!(call, wasmparser::Operator::Call { function_index } if function_index == called)
        {
            calls += 1;
        }
    }
    if calls == 1 {
        Ok((position, called))
    } else {
        Err(refusal("it does not call it exactly once"))
    }
}

/// The function to be called instead of `called`, with the same meaning for
/// all other types, and for casts that are to cut.
pub(super) fn function(called: u32, flag: Option<u32>) -> Vec<u8> {
    let mut function = Function::new([(9, ValType::I32), (1, ValType::I64)]);
    let mut sink = function.instructions();
    sink.block(BlockType::Empty);
    // Only to the pointer-sized type, and from wider ones of the machine's order.
    sink.local_get(RULE).i32_const(UNSAFE).i32_eq().br_if(0);
    sink.local_get(TYPE).i32_load(word(layout_of::NUMBER));
    sink.i32_const(LONG).i32_ne().br_if(0);
    sink.local_get(ARRAY).i32_load(word(layout_of::TYPE));
    sink.local_tee(PLACE);
    sink.i32_load8_u(byte(layout_of::BYTE_ORDER));
    sink.i32_const(BIG_ENDIAN).i32_eq().br_if(0);
    sink.local_get(PLACE).i32_load(word(layout_of::NUMBER));
    sink.local_tee(REST).i32_const(LONGLONG).i32_eq();
    sink.local_get(REST).i32_const(ULONGLONG).i32_eq();
    sink.local_tee(UNSIGNED).i32_or().local_set(WIDE);
    for number in [LONGLONG, ULONGLONG, UINT, ULONG] {
        sink.local_get(REST).i32_const(number).i32_ne();
    }
    sink.i32_and().i32_and().i32_and().br_if(0);
    count(&mut sink);
    values(&mut sink, flag);
    sink.return_().end();
    sink.local_get(ARRAY).local_get(TYPE).local_get(RULE);
    sink.call(called).end();
    super::bulk::encoded(&function)
}

/// How many values the array has.
fn count(sink: &mut InstructionSink<'_>) {
    sink.local_get(ARRAY).i32_load(word(layout_of::NDIM));
    sink.local_tee(DIMENSIONS).local_set(AXIS);
    sink.i32_const(1).local_set(COUNT);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    sink.local_get(AXIS).i32_eqz().br_if(1);
    next_axis(sink);
    sink.local_get(COUNT);
    of_axis(sink, layout_of::SHAPE);
    sink.i32_mul().local_set(COUNT);
    sink.br(0).end().end();
}

/// Looks at each value; leaves 1 if all fit, and returns 0 if one does not.
fn values(sink: &mut InstructionSink<'_>, flag: Option<u32>) {
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    if let Some(flag) = flag {
        encode_check(sink, flag);
    }
    sink.local_get(INDEX).local_get(COUNT).i32_ge_u().br_if(1);
    place(sink);
    sink.local_get(WIDE).if_(BlockType::Empty);
    sink.local_get(PLACE).i64_load(unaligned()).local_tee(VALUE);
    sink.local_get(VALUE).i32_wrap_i64().i64_extend_i32_s();
    sink.i64_ne();
    no_if(sink);
    sink.local_get(UNSIGNED).local_get(VALUE);
    sink.i64_const(0).i64_lt_s().i32_and();
    no_if(sink);
    sink.else_();
    sink.local_get(PLACE).i32_load(unaligned());
    sink.i32_const(0).i32_lt_s();
    no_if(sink);
    sink.end();
    sink.local_get(INDEX).i32_const(1).i32_add();
    sink.local_set(INDEX);
    sink.br(0).end().end();
    sink.i32_const(1);
}

/// The address of the value with this index, the last axis running fastest.
fn place(sink: &mut InstructionSink<'_>) {
    sink.local_get(ARRAY).i32_load(word(layout_of::DATA));
    sink.local_set(PLACE);
    sink.local_get(INDEX).local_set(REST);
    sink.local_get(DIMENSIONS).local_set(AXIS);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    sink.local_get(AXIS).i32_eqz().br_if(1);
    next_axis(sink);
    of_axis(sink, layout_of::SHAPE);
    sink.local_set(EXTENT);
    sink.local_get(PLACE);
    // The first axis takes what is left: most arrays have one, and division is slow.
    sink.local_get(AXIS).if_(BlockType::Result(ValType::I32));
    sink.local_get(REST).local_get(EXTENT).i32_rem_u();
    sink.local_get(REST).local_get(EXTENT).i32_div_u();
    sink.local_set(REST);
    sink.else_().local_get(REST).end();
    of_axis(sink, layout_of::STRIDES);
    sink.i32_mul().i32_add().local_set(PLACE);
    sink.br(0).end().end();
}

fn next_axis(sink: &mut InstructionSink<'_>) {
    sink.local_get(AXIS).i32_const(1).i32_sub();
    sink.local_set(AXIS);
}

/// Leaves the extent or the stride of the current axis.
fn of_axis(sink: &mut InstructionSink<'_>, field: u64) {
    sink.local_get(ARRAY).i32_load(word(field));
    sink.local_get(AXIS).i32_const(2).i32_shl().i32_add();
    sink.i32_load(word(0));
}

fn no_if(sink: &mut InstructionSink<'_>) {
    sink.if_(BlockType::Empty);
    sink.i32_const(0).return_().end();
}

fn word(offset: u64) -> MemArg {
    at(offset, 2)
}

fn byte(offset: u64) -> MemArg {
    at(offset, 0)
}

/// An array of numpy need not be aligned.
fn unaligned() -> MemArg {
    at(0, 0)
}

fn at(offset: u64, align: u32) -> MemArg {
    MemArg {
        offset,
        align,
        memory_index: 0,
    }
}
