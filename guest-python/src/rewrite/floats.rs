//! Floating-point errors of numpy's loops, found by looking at what they computed.
//!
//! WebAssembly keeps no record of divisions by zero and invalid operations. The guest's C
//! library keeps one in a word of memory, which numpy clears before a loop and reads after
//! it; nothing sets it. Here a loop is followed by a look at its results: an infinity or a
//! NaN that no argument explains sets the bit that hardware would have set.
//!
//! ```text
//! loop(args, dimensions, steps)
//! if a result is not finite:                      ; one pass, four vectors at a time
//!     for each: NaN of numbers → invalid
//!               infinity of finite numbers → division by zero at a pole, else overflow
//! ```
//! A loop that writes over its argument leaves nothing to compare with: only a quotient
//! by zero is found then.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

use super::check::encode_check;
use super::layout::Layout;
use super::wrap::{Wrap, stack_pointer};
use crate::error::Error;

/// Inner loops of numpy that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatLoops {
    /// Their names: `void (char **args, intp const *dimensions, intp const *steps, void *)`.
    pub functions: Vec<String>,
    /// How many arrays they read: 1 or 2.
    pub arguments: u32,
    /// The bytes of a number: 4 or 8.
    pub bytes: u32,
    /// 0 if no infinity is a division by zero; for one argument 1 if each is; for two the
    /// argument, from 1, that is zero then.
    pub pole: u32,
    /// The address of the C library's word of exceptions.
    pub status_address: u32,
}

/// Parameters of the function that looks.
pub(super) const PARAMETERS: [ValType; 3] = [ValType::I32; 3];

/// Bits of the word.
const INVALID: i32 = 1;
const DIVIDE: i32 = 4;
const OVERFLOW: i32 = 8;

/// The frame that keeps three parameters while the loop runs.
const FRAME_BYTES: i32 = 16;
/// Bytes that one turn of the first pass looks at.
const STRIDE_BYTES: i32 = 64;
const VECTOR_BYTES: u64 = 16;

const ARGS: u32 = 0;
const DIMENSIONS: u32 = 1;
const STEPS: u32 = 2;
// Locals.
const LEFT: u32 = 3;
const OUT: u32 = 4;
const OUT_STEP: u32 = 5;
const FIRST: u32 = 6;
const SECOND: u32 = 7;
const FLAGS: u32 = 8;
const IN_PLACE: u32 = 9;
const VECTOR: u32 = 10;
const SUM: u32 = 11;
const X: u32 = 12;
const Y: u32 = 13;
const RESULT: u32 = 14;

/// The bodies of the loops, and what is put around each: a call of `look`.
pub(super) fn wraps(
    layout: &Layout<'_>,
    loops: &FloatLoops,
    look: u32,
) -> Result<Vec<(usize, Wrap)>, Error> {
    let plan = |name: &String| {
        let refusal = |reason| Error::Wrap {
            name: name.clone(),
            reason,
        };
        let i32 = wasmparser::ValType::I32;
        let index = layout.names.index(name)?;
        let ty = layout.function_type(index);
        if ty.is_none_or(|ty| ty.params() != [i32; 4] || !ty.results().is_empty()) {
            return Err(refusal("it is no loop: four words, and no result"));
        }
        let pointer = stack_pointer(layout)
            .ok_or_else(|| refusal("the module has no stack pointer: a mutable i32 global"))?;
        let wrap = Wrap {
            name: name.clone(),
            prologue: prologue(pointer),
            epilogue: epilogue(pointer, look),
        };
        Ok((layout.body_of(name)?, wrap))
    };
    loops.functions.iter().map(plan).collect()
}

fn prologue(pointer: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = InstructionSink::new(&mut bytes);
    sink.global_get(pointer).i32_const(FRAME_BYTES).i32_sub();
    sink.global_set(pointer);
    for parameter in [ARGS, DIMENSIONS, STEPS] {
        sink.global_get(pointer).local_get(parameter);
        sink.i32_store(at(u64::from(parameter) * 4, 2));
    }
    sink.block(BlockType::Empty);
    bytes
}

fn epilogue(pointer: u32, look: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = InstructionSink::new(&mut bytes);
    for parameter in [ARGS, DIMENSIONS, STEPS] {
        sink.global_get(pointer);
        sink.i32_load(at(u64::from(parameter) * 4, 2));
    }
    sink.global_get(pointer).i32_const(FRAME_BYTES).i32_add();
    sink.global_set(pointer);
    sink.call(look).end();
    bytes
}

/// The function that looks at the results of such loops.
pub(super) fn function(loops: &FloatLoops, flag: Option<u32>) -> Vec<u8> {
    let number = Number {
        is_wide: loops.bytes == 8,
    };
    let mut function = Function::new([(7, ValType::I32), (1, ValType::V128), (4, number.ty())]);
    let mut sink = function.instructions();
    let is_binary = loops.arguments == 2;
    pointer(&mut sink, ARGS, 0, FIRST);
    if is_binary {
        pointer(&mut sink, ARGS, 1, SECOND);
    }
    start(&mut sink, loops);
    // What was written over can explain nothing.
    if is_binary {
        sink.local_get(SECOND).local_get(OUT).i32_eq();
        sink.if_(BlockType::Empty).return_().end();
    }
    sink.local_get(FIRST).local_get(OUT).i32_eq();
    sink.local_tee(IN_PLACE);
    if !(is_binary && loops.pole == 2) {
        sink.if_(BlockType::Empty).return_().end();
    } else {
        sink.drop();
    }
    scan(&mut sink, &number, loops, flag);
    // The sum of zeros is no number if one of them came of no finite result.
    sink.local_get(SUM).local_get(SUM);
    number.eq(&mut sink);
    sink.if_(BlockType::Empty).return_().end();
    explain(&mut sink, &number, loops, flag);
    sink.local_get(FLAGS).if_(BlockType::Empty);
    let status = at(u64::from(loops.status_address), 2);
    sink.i32_const(0).i32_const(0).i32_load(status);
    sink.local_get(FLAGS).i32_or().i32_store(status);
    sink.end().end();
    super::bulk::encoded(&function)
}

/// The count, the results and their step.
fn start(sink: &mut InstructionSink<'_>, loops: &FloatLoops) {
    pointer(sink, DIMENSIONS, 0, LEFT);
    pointer(sink, ARGS, loops.arguments, OUT);
    pointer(sink, STEPS, loops.arguments, OUT_STEP);
}

/// Adds up the results, each times zero, into `SUM`.
fn scan(sink: &mut InstructionSink<'_>, number: &Number, loops: &FloatLoops, flag: Option<u32>) {
    let per_turn = STRIDE_BYTES / loops.bytes.cast_signed();
    sink.local_get(OUT_STEP)
        .i32_const(loops.bytes.cast_signed())
        .i32_eq();
    sink.if_(BlockType::Empty);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    check(sink, flag);
    sink.local_get(LEFT).i32_const(per_turn).i32_lt_s().br_if(1);
    for place in 0..STRIDE_BYTES as u64 / VECTOR_BYTES {
        sink.local_get(VECTOR);
        sink.local_get(OUT).v128_load(at(place * VECTOR_BYTES, 0));
        number.times_zero_plus(sink);
        sink.local_set(VECTOR);
    }
    sink.local_get(OUT).i32_const(STRIDE_BYTES).i32_add();
    sink.local_set(OUT);
    sink.local_get(LEFT).i32_const(per_turn).i32_sub();
    sink.local_set(LEFT);
    sink.br(0).end().end().end();
    number.sum_lanes(sink, VECTOR);
    sink.local_set(SUM);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    check(sink, flag);
    sink.local_get(LEFT).i32_const(0).i32_le_s().br_if(1);
    sink.local_get(SUM);
    number.load(sink, OUT);
    number.zero(sink);
    number.mul(sink);
    number.add(sink);
    sink.local_set(SUM);
    step(sink, OUT, |sink| {
        sink.local_get(OUT_STEP);
    });
    count_down(sink);
    sink.br(0).end().end();
}

/// Looks at each result beside its arguments, and collects `FLAGS`.
fn explain(sink: &mut InstructionSink<'_>, number: &Number, loops: &FloatLoops, flag: Option<u32>) {
    let is_binary = loops.arguments == 2;
    start(sink, loops);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    check(sink, flag);
    sink.local_get(LEFT).i32_const(0).i32_le_s().br_if(1);
    number.load(sink, OUT);
    sink.local_set(RESULT);
    number.load(sink, FIRST);
    sink.local_set(X);
    number.load(sink, if is_binary { SECOND } else { FIRST });
    sink.local_set(Y);
    sink.local_get(RESULT).local_get(RESULT);
    number.eq(sink);
    sink.i32_eqz().if_(BlockType::Empty);
    invalid(sink, number);
    sink.else_();
    number.is_infinite(sink, RESULT);
    sink.if_(BlockType::Empty);
    infinite(sink, number, loops);
    sink.end().end();
    step(sink, OUT, |sink| {
        sink.local_get(OUT_STEP);
    });
    step(sink, FIRST, |sink| {
        sink.local_get(STEPS).i32_load(at(0, 2));
    });
    if is_binary {
        step(sink, SECOND, |sink| {
            sink.local_get(STEPS).i32_load(at(4, 2));
        });
    }
    count_down(sink);
    sink.br(0).end().end();
}

/// A NaN: invalid if no argument was one. In place, 0/0 is told by its divisor.
fn invalid(sink: &mut InstructionSink<'_>, number: &Number) {
    sink.local_get(X).local_get(X);
    number.eq(sink);
    sink.local_get(IN_PLACE);
    sink.local_get(Y);
    number.zero(sink);
    number.eq(sink);
    sink.i32_and().i32_or();
    sink.local_get(Y).local_get(Y);
    number.eq(sink);
    sink.i32_and();
    set_if(sink, INVALID);
}

/// An infinity: of a pole, or of numbers that are too large.
fn infinite(sink: &mut InstructionSink<'_>, number: &Number, loops: &FloatLoops) {
    if loops.arguments == 1 {
        number.is_finite(sink, X);
        set_if(sink, if loops.pole == 0 { OVERFLOW } else { DIVIDE });
        return;
    }
    let zero = match loops.pole {
        1 => X,
        2 => Y,
        _ => {
            finite_arguments(sink, number);
            set_if(sink, OVERFLOW);
            return;
        }
    };
    sink.local_get(zero);
    number.zero(sink);
    number.eq(sink);
    sink.if_(BlockType::Empty);
    number.is_finite(sink, X);
    sink.local_get(IN_PLACE).i32_or();
    set_if(sink, DIVIDE);
    sink.else_();
    finite_arguments(sink, number);
    set_if(sink, OVERFLOW);
    sink.end();
}

fn finite_arguments(sink: &mut InstructionSink<'_>, number: &Number) {
    number.is_finite(sink, X);
    number.is_finite(sink, Y);
    sink.i32_and();
}

fn set_if(sink: &mut InstructionSink<'_>, bit: i32) {
    sink.if_(BlockType::Empty);
    sink.local_get(FLAGS).i32_const(bit).i32_or();
    sink.local_set(FLAGS).end();
}

fn check(sink: &mut InstructionSink<'_>, flag: Option<u32>) {
    if let Some(flag) = flag {
        encode_check(sink, flag);
    }
}

fn step(sink: &mut InstructionSink<'_>, place: u32, by: impl Fn(&mut InstructionSink<'_>)) {
    sink.local_get(place);
    by(sink);
    sink.i32_add().local_set(place);
}

fn count_down(sink: &mut InstructionSink<'_>) {
    sink.local_get(LEFT).i32_const(1).i32_sub();
    sink.local_set(LEFT);
}

/// Loads the word of a place in an array of words.
fn pointer(sink: &mut InstructionSink<'_>, array: u32, place: u32, into: u32) {
    sink.local_get(array).i32_load(at(u64::from(place) * 4, 2));
    sink.local_set(into);
}

fn at(offset: u64, align: u32) -> MemArg {
    MemArg {
        offset,
        align,
        memory_index: 0,
    }
}

/// Instructions for numbers of one width. Arrays need not be aligned.
struct Number {
    is_wide: bool,
}

impl Number {
    fn ty(&self) -> ValType {
        match self.is_wide {
            true => ValType::F64,
            false => ValType::F32,
        }
    }

    fn load(&self, sink: &mut InstructionSink<'_>, place: u32) {
        sink.local_get(place);
        match self.is_wide {
            true => sink.f64_load(at(0, 0)),
            false => sink.f32_load(at(0, 0)),
        };
    }

    fn constant(&self, sink: &mut InstructionSink<'_>, value: f32) {
        match self.is_wide {
            true => sink.f64_const(f64::from(value).into()),
            false => sink.f32_const(value.into()),
        };
    }

    fn zero(&self, sink: &mut InstructionSink<'_>) {
        self.constant(sink, 0.0);
    }

    fn eq(&self, sink: &mut InstructionSink<'_>) {
        match self.is_wide {
            true => sink.f64_eq(),
            false => sink.f32_eq(),
        };
    }

    fn mul(&self, sink: &mut InstructionSink<'_>) {
        match self.is_wide {
            true => sink.f64_mul(),
            false => sink.f32_mul(),
        };
    }

    fn add(&self, sink: &mut InstructionSink<'_>) {
        match self.is_wide {
            true => sink.f64_add(),
            false => sink.f32_add(),
        };
    }

    fn magnitude(&self, sink: &mut InstructionSink<'_>, value: u32) {
        sink.local_get(value);
        match self.is_wide {
            true => sink.f64_abs(),
            false => sink.f32_abs(),
        };
        self.constant(sink, f32::INFINITY);
    }

    fn is_infinite(&self, sink: &mut InstructionSink<'_>, value: u32) {
        self.magnitude(sink, value);
        self.eq(sink);
    }

    fn is_finite(&self, sink: &mut InstructionSink<'_>, value: u32) {
        self.magnitude(sink, value);
        match self.is_wide {
            true => sink.f64_lt(),
            false => sink.f32_lt(),
        };
    }

    /// A vector and another one: the first, and the second times zero.
    fn times_zero_plus(&self, sink: &mut InstructionSink<'_>) {
        sink.v128_const(0);
        match self.is_wide {
            true => sink.f64x2_mul().f64x2_add(),
            false => sink.f32x4_mul().f32x4_add(),
        };
    }

    fn sum_lanes(&self, sink: &mut InstructionSink<'_>, vector: u32) {
        let lanes = if self.is_wide { 2 } else { 4 };
        for lane in 0..lanes {
            sink.local_get(vector);
            match self.is_wide {
                true => sink.f64x2_extract_lane(lane),
                false => sink.f32x4_extract_lane(lane),
            };
            if lane > 0 {
                self.add(sink);
            }
        }
    }
}
