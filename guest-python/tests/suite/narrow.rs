//! Casts of integers to the width of a pointer, decided by the values.

use memex_guest_python::{Narrowing, RewriteOptions, rewrite};

use crate::guest::{FLAG, Guest, compile, interruptible, rewritten};

/// A function that accepts what has the rules 3 and 4 ("same kind", "unsafe"),
/// and one that asks it.
const MODULE: &str = "(module (memory (export \"memory\") 4)
  (func $may_cast (param i32 i32 i32) (result i32) (i32.ge_u (local.get 2) (i32.const 3)))
  (func $ask (export \"ask\") (param i32 i32 i32) (result i32)
    (call $may_cast (local.get 0) (local.get 1) (local.get 2)))
  (func $other (export \"other\") (param i32 i32 i32) (result i32)
    (call $may_cast (local.get 0) (local.get 1) (local.get 2)))
  (func $twice (param i32 i32 i32) (result i32)
    (call $ask (local.get 0) (local.get 1) (call $ask (local.get 0) (local.get 1) (local.get 2))))
  (func $narrow (param i32) (result i32) (local.get 0)))";

const ARRAY: usize = 1024;
const SOURCE: usize = 1280;
const TARGET: usize = 1536;
const SHAPE: usize = 1792;
const STRIDES: usize = 1856;
const DATA: usize = 65536;

const SAFE: i32 = 2;
const SAME_KIND: i32 = 3;
const UNSAFE: i32 = 4;

fn narrowed() -> RewriteOptions {
    options("ask", "may_cast")
}

fn options(function: &str, calls: &str) -> RewriteOptions {
    let narrowing = Narrowing {
        function: function.to_owned(),
        calls: calls.to_owned(),
    };
    RewriteOptions {
        narrowings: vec![narrowing],
        ..interruptible()
    }
}

/// An array of numpy in the memory of a guest.
struct Array {
    number: i32,
    order: u8,
    target: i32,
    shape: &'static [i32],
    strides: &'static [i32],
}

const INTEGERS: Array = Array {
    number: 9,
    order: b'=',
    target: 7,
    shape: &[3],
    strides: &[8],
};

fn write(guest: &mut Guest, array: &Array, bytes: &[u8]) {
    let memory = guest.memory_mut();
    let mut word = |place: usize, value: i32| {
        memory[place..place + 4].copy_from_slice(&value.to_le_bytes());
    };
    for (field, value) in [
        (8, DATA),
        (12, array.shape.len()),
        (16, SHAPE),
        (20, STRIDES),
        (28, SOURCE),
    ] {
        word(ARRAY + field, value as i32);
    }
    word(SOURCE + 16, array.number);
    word(TARGET + 16, array.target);
    for (axis, (extent, stride)) in array.shape.iter().zip(array.strides).enumerate() {
        word(SHAPE + 4 * axis, *extent);
        word(STRIDES + 4 * axis, *stride);
    }
    memory[SOURCE + 14] = array.order;
    memory[DATA..DATA + bytes.len()].copy_from_slice(bytes);
}

fn ask(array: &Array, bytes: &[u8], rule: i32) -> i32 {
    let mut guest = Guest::new(&rewritten(MODULE, &narrowed()));
    write(&mut guest, array, bytes);
    guest
        .call("ask", (ARRAY as i32, TARGET as i32, rule))
        .unwrap()
}

fn wide(values: &[i64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

#[test]
fn integers_are_cast_if_each_fits() {
    let most = i64::from(i32::MAX);
    let cases: &[(&[i64], i32)] = &[
        (&[0, 1, 2], 1),
        (&[most, -most - 1, -1], 1),
        (&[0, 1, most + 1], 0),
        (&[-most - 2, 1, 2], 0),
        (&[0, 1 << 32, 2], 0),
        (&[i64::MIN, 0, 0], 0),
    ];
    for (values, expected) in cases {
        let bytes = wide(values);
        assert_eq!(ask(&INTEGERS, &bytes, SAFE), *expected, "{values:?}");
        assert_eq!(ask(&INTEGERS, &bytes, SAME_KIND), *expected, "{values:?}");
        assert_eq!(ask(&INTEGERS, &bytes, UNSAFE), 1, "a cast that may cut");
    }
}

#[test]
fn every_value_of_every_axis_is_looked_at_and_no_other() {
    // Two axes, the columns of the first two of three: the third holds large values.
    let array = Array {
        shape: &[3, 2],
        strides: &[24, 8],
        ..INTEGERS
    };
    let mut values = [[1, 2, i64::MAX], [3, 4, i64::MAX], [5, 6, i64::MAX]];
    assert_eq!(ask(&array, &wide(values.as_flattened()), SAFE), 1);
    for row in 0..3 {
        for column in 0..2 {
            let before = std::mem::replace(&mut values[row][column], 1 << 40);
            assert_eq!(ask(&array, &wide(values.as_flattened()), SAFE), 0);
            values[row][column] = before;
        }
    }
    let one = |shape, strides| Array {
        shape,
        strides,
        ..INTEGERS
    };
    let large = wide(&[1 << 40, 1]);
    assert_eq!(ask(&one(&[], &[]), &large, SAFE), 0, "no axis, one value");
    assert_eq!(ask(&one(&[0], &[8]), &large, SAFE), 1, "no value");
    assert_eq!(ask(&one(&[0, 5], &[40, 8]), &large, SAFE), 1, "no value");
    assert_eq!(ask(&one(&[1, 2, 1], &[0, 0, 0]), &large, SAFE), 0);
}

#[test]
fn what_else_was_refused_stays_refused() {
    let fits = wide(&[1, 2, 3]);
    assert_eq!(ask(&INTEGERS, &fits, SAFE), 1, "positive control");
    for (array, why) in [
        (
            Array {
                target: 5,
                ..INTEGERS
            },
            "a target of another type",
        ),
        (
            Array {
                number: 12,
                ..INTEGERS
            },
            "floats",
        ),
        (
            Array {
                order: b'>',
                ..INTEGERS
            },
            "another byte order",
        ),
    ] {
        assert_eq!(ask(&array, &fits, SAFE), 0, "{why}");
        assert_eq!(
            ask(&array, &fits, UNSAFE),
            1,
            "{why}: accepted by the function asked"
        );
    }
    let unsigned = Array {
        number: 10,
        ..INTEGERS
    };
    assert_eq!(ask(&unsigned, &fits, SAFE), 1);
    // The largest unsigned ones are no small negative ones.
    assert_eq!(ask(&unsigned, &wide(&[1, 2, -1]), SAFE), 0);
    assert_eq!(ask(&unsigned, &wide(&[1, 2, 1 << 31]), SAFE), 0);
    for number in [6, 8] {
        let array = Array {
            number,
            strides: &[4],
            ..INTEGERS
        };
        let words = |last: u32| [[1; 4], [2; 4], last.to_le_bytes()].concat();
        assert_eq!(ask(&array, &words(i32::MAX as u32), SAFE), 1);
        assert_eq!(ask(&array, &words(1 << 31), SAFE), 0);
    }
}

#[test]
fn only_the_named_call_is_narrowed_and_it_can_be_interrupted() {
    let mut guest = Guest::new(&rewritten(MODULE, &narrowed()));
    write(&mut guest, &INTEGERS, &wide(&[1, 2, 3]));
    let place = (ARRAY as i32, TARGET as i32, SAFE);
    assert_eq!(guest.call::<_, i32>("other", place), Ok(0));
    assert_eq!(guest.call::<_, i32>("ask", place), Ok(1));
    guest.set_flag(1);
    assert!(guest.call::<_, i32>("ask", place).is_err(), "{FLAG}");
}

#[test]
fn a_call_that_is_not_as_expected_is_refused() {
    for (function, calls, expected) in [
        ("twice", "ask", "it does not call it exactly once"),
        ("narrow", "may_cast", "it does not call it exactly once"),
        ("ask", "narrow", "does not take three words"),
        ("gone", "may_cast", "no function `gone`"),
        ("ask", "gone", "no function `gone`"),
    ] {
        let error = rewrite(&compile(MODULE), &options(function, calls))
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}
