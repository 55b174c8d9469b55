//! Arrays that index others, narrowed before they are used.
//!
//! numpy casts an index array to its pointer-sized integer and cuts what does not fit:
//! where pointers have 32 bits, `a[[2**32]]` would be `a[[0]]`. The function that takes
//! an index apart hands over what it found in items; each array among them that is wider
//! than a pointer, or unsigned, is cast here by numpy's own rule for what is safe, which a
//! [narrowing](super::narrow) has look at the values:
//!
//! ```text
//! kind = prepare(…, items, count, …)
//! if kind >= 0: for each item that is an array of wide integers:
//!     item.array = from_array(item.array, pointer-sized, "safe"), or release all, -1
//! ```

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

use super::check::encode_check;
use super::layout::Layout;
use crate::error::Error;

/// Calls of the function that takes an index apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexCall {
    /// The functions that call, once each.
    pub functions: Vec<String>,
    /// The function called: nine words, of which the fourth and fifth are the items and
    /// where their number is.
    pub calls: String,
}

/// What a call needs to be replaced.
pub(super) struct Found {
    /// Positions of the bodies that call.
    pub(super) bodies: Vec<usize>,
    /// The function called.
    pub(super) prepare: u32,
    /// numpy's functions for a type by number, and for a cast to it; and the
    /// interpreter's that releases an object.
    type_of: u32,
    cast: u32,
    release: u32,
}

/// Parameters of the function called, and of the one in its place.
pub(super) const PARAMETERS: [ValType; 9] = [ValType::I32; 9];
/// Their result.
pub(super) const RESULTS: [ValType; 1] = [ValType::I32];

const ITEMS: u32 = 3;
const COUNT: u32 = 4;
// Locals.
const KIND: u32 = 9;
const LEFT: u32 = 10;
const ITEM: u32 = 11;
const ARRAY: u32 = 12;
const NUMBER: u32 = 13;

/// An item: an object, a number, and what it is.
const ITEM_BYTES: i32 = 12;
const ITEM_KIND: u64 = 8;
/// numpy's name for an item that is an array of integers.
const FANCY: i32 = 16;
/// Fields of `PyArrayObject` and `PyArray_Descr` where pointers have 32 bits.
const ARRAY_TYPE: u64 = 28;
const BYTE_ORDER: u64 = 14;
const TYPE_NUMBER: u64 = 16;
const BIG_ENDIAN: i32 = '>' as i32;
/// Numbers of types: the pointer-sized one, and those that hold what it cannot.
const LONG: i32 = 7;
const WIDE: [i32; 4] = [6, 8, 9, 10];

/// Finds the functions that an [`IndexCall`] names.
pub(super) fn find(layout: &Layout<'_>, call: &IndexCall) -> Result<Found, Error> {
    let refusal = |function: &str, reason| Error::Narrowing {
        function: function.to_owned(),
        calls: call.calls.clone(),
        reason,
    };
    let named = |name: &str, parameters: usize, results: usize| {
        let index = layout.names.index(name)?;
        let i32 = wasmparser::ValType::I32;
        let fits = layout.function_type(index).is_some_and(|ty| {
            ty.params() == vec![i32; parameters] && ty.results() == vec![i32; results]
        });
        match fits {
            true => Ok(index),
            false => Err(refusal(name, "it has other parameters or results")),
        }
    };
    let prepare = named(&call.calls, PARAMETERS.len(), RESULTS.len())?;
    let mut bodies = Vec::new();
    for function in &call.functions {
        let position = layout.body_of(function)?;
        let body = layout.bodies.get(position);
        let body = body.ok_or_else(|| refusal(function, "it has no body"))?;
        let mut reader = body.get_operators_reader()?;
        let mut calls = 0;
        while !reader.eof() {
            let operator = reader.read()?;
            if matches!(operator, wasmparser::Operator::Call { function_index } if function_index == prepare)
            {
                calls += 1;
            }
        }
        if calls != 1 {
            return Err(refusal(function, "it does not call it exactly once"));
        }
        bodies.push(position);
    }
    Ok(Found {
        bodies,
        prepare,
        type_of: named("PyArray_DescrFromType", 1, 1)?,
        cast: named("PyArray_FromArray", 3, 1)?,
        release: named("_Py_DecRef", 1, 0)?,
    })
}

/// The function to be called in the place of the one that was found.
pub(super) fn function(found: &Found, flag: Option<u32>) -> Vec<u8> {
    let mut function = Function::new([(5, ValType::I32)]);
    let mut sink = function.instructions();
    for parameter in 0..PARAMETERS.len() as u32 {
        sink.local_get(parameter);
    }
    sink.call(found.prepare).local_tee(KIND);
    sink.i32_const(0).i32_lt_s().if_(BlockType::Empty);
    sink.local_get(KIND).return_().end();
    first_item(&mut sink);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    if let Some(flag) = flag {
        encode_check(&mut sink, flag);
    }
    sink.local_get(LEFT).i32_eqz().br_if(1);
    sink.block(BlockType::Empty);
    skip_others(&mut sink);
    // The array stays the item's until its narrow form is there.
    sink.local_get(ARRAY);
    sink.i32_const(LONG).call(found.type_of);
    sink.i32_const(0).call(found.cast).local_tee(NUMBER);
    sink.i32_eqz().if_(BlockType::Empty);
    release_all(&mut sink, found, flag);
    sink.i32_const(-1).return_().end();
    sink.local_get(ITEM).local_get(NUMBER).i32_store(word(0));
    sink.local_get(ARRAY).call(found.release);
    sink.end();
    next_item(&mut sink);
    sink.br(0).end().end();
    sink.local_get(KIND).end();
    super::bulk::encoded(&function)
}

/// Leaves the block around it unless the item is an array that may have to be cut.
fn skip_others(sink: &mut InstructionSink<'_>) {
    sink.local_get(ITEM).i32_load(word(ITEM_KIND));
    sink.i32_const(FANCY).i32_ne().br_if(0);
    sink.local_get(ITEM).i32_load(word(0)).local_tee(ARRAY);
    sink.i32_eqz().br_if(0);
    sink.local_get(ARRAY).i32_load(word(ARRAY_TYPE));
    sink.local_tee(NUMBER).i32_load8_u(MemArg {
        offset: BYTE_ORDER,
        align: 0,
        memory_index: 0,
    });
    sink.i32_const(BIG_ENDIAN).i32_eq().br_if(0);
    sink.local_get(NUMBER).i32_load(word(TYPE_NUMBER));
    sink.local_set(NUMBER);
    for (place, number) in WIDE.into_iter().enumerate() {
        sink.local_get(NUMBER).i32_const(number).i32_ne();
        if place > 0 {
            sink.i32_and();
        }
    }
    sink.br_if(0);
}

/// As the function itself does where it fails.
fn release_all(sink: &mut InstructionSink<'_>, found: &Found, flag: Option<u32>) {
    first_item(sink);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    if let Some(flag) = flag {
        encode_check(sink, flag);
    }
    sink.local_get(LEFT).i32_eqz().br_if(1);
    sink.local_get(ITEM).i32_load(word(0)).local_tee(ARRAY);
    sink.if_(BlockType::Empty);
    sink.local_get(ARRAY).call(found.release).end();
    next_item(sink);
    sink.br(0).end().end();
}

fn first_item(sink: &mut InstructionSink<'_>) {
    sink.local_get(ITEMS).local_set(ITEM);
    sink.local_get(COUNT).i32_load(word(0)).local_set(LEFT);
}

fn next_item(sink: &mut InstructionSink<'_>) {
    sink.local_get(ITEM).i32_const(ITEM_BYTES).i32_add();
    sink.local_set(ITEM);
    sink.local_get(LEFT).i32_const(1).i32_sub();
    sink.local_set(LEFT);
}

fn word(offset: u64) -> MemArg {
    MemArg {
        offset,
        align: 2,
        memory_index: 0,
    }
}
