//! Loops over numbers whose results are looked at.

use memex_guest_python::{FloatLoops, RewriteOptions, rewrite};

use crate::guest::{Guest, compile, interruptible, rewritten};

/// A loop that leaves what lies in memory as its results, in an ordinary way and by
/// `return`, and functions that are no loops.
const MODULE: &str = "(module (memory (export \"memory\") 4)
  (global $__stack_pointer (export \"sp\") (mut i32) (i32.const 65536))
  (func $loop (export \"loop\") (param i32 i32 i32 i32)
    (local.set 0 (i32.const -1)) (local.set 1 (i32.const -1)) (local.set 2 (i32.const -1))
    (if (local.get 3) (then (return))))
  (func $number (param i32 i32 i32 i32) (result i32) (i32.const 1))
  (func $short (param i32)))";

const STATUS: usize = 128;
const ARGS: usize = 256;
const DIMENSIONS: usize = 288;
const STEPS: usize = 320;
const ARRAYS: usize = 131_072;
/// Between two arrays.
const APART: usize = 8192;

const INVALID: i32 = 1;
const DIVIDE: i32 = 4;
const OVERFLOW: i32 = 8;

fn options(function: &str, arguments: u32, bytes: u32, pole: u32) -> RewriteOptions {
    RewriteOptions {
        floats: vec![FloatLoops {
            functions: vec![function.to_owned()],
            arguments,
            bytes,
            pole,
            status_address: STATUS as u32,
        }],
        ..interruptible()
    }
}

/// A run of a loop: its arrays, the results last, and the distance of two numbers.
struct Case<'a> {
    arrays: &'a [&'a [f64]],
    bytes: u32,
    pole: u32,
    spread: usize,
    in_place: bool,
}

fn status(case: &Case<'_>) -> i32 {
    let arguments = case.arrays.len() as u32 - 1;
    let options = options("loop", arguments, case.bytes, case.pole);
    let mut guest = Guest::new(&rewritten(MODULE, &options));
    let width = case.bytes as usize;
    let memory = guest.memory_mut();
    let word = |memory: &mut [u8], place: usize, value: usize| {
        memory[place..place + 4].copy_from_slice(&(value as u32).to_le_bytes());
    };
    word(memory, DIMENSIONS, case.arrays[0].len());
    for (place, array) in case.arrays.iter().enumerate() {
        let is_result = place == case.arrays.len() - 1;
        let at = match case.in_place && is_result {
            true => ARRAYS,
            false => ARRAYS + APART * place,
        };
        word(memory, ARGS + 4 * place, at);
        word(memory, STEPS + 4 * place, width * case.spread);
        for (index, number) in array.iter().enumerate() {
            let at = at + index * width * case.spread;
            match width {
                8 => memory[at..at + 8].copy_from_slice(&number.to_le_bytes()),
                _ => memory[at..at + 4].copy_from_slice(&(*number as f32).to_le_bytes()),
            }
        }
    }
    for by_return in [0, 1] {
        let places = (ARGS as i32, DIMENSIONS as i32, STEPS as i32, by_return);
        guest.call::<_, ()>("loop", places).unwrap();
    }
    assert_eq!(guest.global("sp"), 65536, "the stack is as before");
    let memory = guest.memory_bytes();
    i32::from_le_bytes(memory[STATUS..STATUS + 4].try_into().unwrap())
}

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

#[test]
fn what_no_argument_explains_is_recorded() {
    let unary: &[(f64, f64, u32, i32)] = &[
        (1.0, 0.5, 1, 0),
        (0.0, -INF, 1, DIVIDE),
        (0.0, -INF, 0, OVERFLOW),
        (-1.0, NAN, 1, INVALID),
        (NAN, NAN, 1, 0),
        (INF, INF, 1, 0),
        (-INF, NAN, 0, INVALID),
    ];
    let binary: &[(f64, f64, f64, u32, i32)] = &[
        (6.0, 3.0, 2.0, 2, 0),
        (1.0, 0.0, INF, 2, DIVIDE),
        (-1.0, 0.0, -INF, 2, DIVIDE),
        (0.0, 0.0, NAN, 2, INVALID),
        (INF, 0.0, INF, 2, 0),
        (NAN, 0.0, NAN, 2, 0),
        (1e308, 1e-10, INF, 2, OVERFLOW),
        (INF, INF, NAN, 2, INVALID),
        (INF, 2.0, INF, 2, 0),
        (0.0, -1.0, INF, 1, DIVIDE),
        (10.0, 400.0, INF, 1, OVERFLOW),
        (-8.0, 0.5, NAN, 1, INVALID),
    ];
    for bytes in [4, 8] {
        for spread in [1, 3] {
            // Alone, and after and before so many that vectors of them are looked at.
            for (before, after) in [(0, 0), (37, 5), (3, 90)] {
                let filled = |number: f64, other: f64| {
                    let mut all = vec![other; before];
                    all.push(number);
                    all.extend(vec![other; after]);
                    all
                };
                for (x, y, pole, expected) in unary {
                    let (x_all, y_all) = (filled(*x, 1.0), filled(*y, 1.0));
                    let case = Case {
                        arrays: &[&x_all, &y_all],
                        bytes,
                        pole: *pole,
                        spread,
                        in_place: false,
                    };
                    assert_eq!(status(&case), *expected, "{x} {y} {pole} {bytes} {before}");
                }
                for (a, b, y, pole, expected) in binary {
                    let all = [filled(*a, 1.0), filled(*b, 1.0), filled(*y, 1.0)];
                    let case = Case {
                        arrays: &[&all[0], &all[1], &all[2]],
                        bytes,
                        pole: *pole,
                        spread,
                        in_place: false,
                    };
                    let (found, expected) = (status(&case), *expected);
                    // A number that is infinite in four bytes is no overflow of its own.
                    let expected = match bytes == 4 && *a == 1e308 {
                        true => 0,
                        false => expected,
                    };
                    assert_eq!(found, expected, "{a} {b} {y} {pole} {bytes} {before}");
                }
            }
        }
    }
}

#[test]
fn what_was_written_over_is_told_by_its_divisor_alone() {
    for (a, b, pole, expected) in [
        (INF, 0.0, 2, DIVIDE),
        (NAN, 0.0, 2, INVALID),
        (INF, 2.0, 2, 0),
        (INF, 0.0, 1, 0),
    ] {
        let case = Case {
            arrays: &[&[a], &[b], &[a]],
            bytes: 8,
            pole,
            spread: 1,
            in_place: true,
        };
        assert_eq!(status(&case), expected, "{a} {b} {pole}");
    }
    let case = Case {
        arrays: &[&[NAN], &[NAN]],
        bytes: 8,
        pole: 1,
        spread: 1,
        in_place: true,
    };
    assert_eq!(status(&case), 0);
}

#[test]
fn what_is_no_loop_is_refused() {
    for (function, expected) in [
        ("number", "it is no loop"),
        ("short", "it is no loop"),
        ("gone", "no function `gone`"),
    ] {
        let error = rewrite(&compile(MODULE), &options(function, 1, 8, 0))
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}
