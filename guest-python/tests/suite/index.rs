//! Index arrays, narrowed before they are used.

use memex_guest_python::{IndexCall, RewriteOptions, rewrite};

use crate::guest::{Guest, compile, interruptible, rewritten};

/// Takes an index apart into what lies at 2048, and calls numpy's functions: a cast that
/// fails for the array at 4096 and else gives one at a fixed place, and a release that
/// counts.
const MODULE: &str = "(module (memory (export \"memory\") 4)
  (global $released (export \"released\") (mut i32) (i32.const 0))
  (func $prepare (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (local.get 0))
  (func $PyArray_DescrFromType (param i32) (result i32) (local.get 0))
  (func $PyArray_FromArray (param i32 i32 i32) (result i32)
    (if (result i32) (i32.eq (local.get 0) (i32.const 4096))
      (then (i32.const 0))
      (else (i32.add (local.get 0) (i32.add (local.get 1) (local.get 2))))))
  (func $_Py_DecRef (param i32) (global.set $released (i32.add (global.get $released) (i32.const 1))))
  (func $subscript (export \"subscript\") (param i32) (result i32)
    (call $prepare (local.get 0) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const 2040)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  (func $twice (param i32) (result i32) (call $subscript (call $subscript (local.get 0)))))";

const ITEMS: usize = 2048;
const COUNT: usize = 2040;
const FAILS: i32 = 4096;
const ARRAY: i32 = 8192;
const FANCY: i32 = 16;
const SLICE: i32 = 4;

fn options(function: &str, calls: &str) -> RewriteOptions {
    RewriteOptions {
        indexing: vec![IndexCall {
            functions: vec![function.to_owned()],
            calls: calls.to_owned(),
        }],
        ..interruptible()
    }
}

/// Items of an index: an array's place, its type number and byte order, and the kind.
fn taken_apart(items: &[(i32, i32, u8, i32)], answer: i32) -> (i32, Vec<i32>, i32) {
    let mut guest = Guest::new(&rewritten(MODULE, &options("subscript", "prepare")));
    let memory = guest.memory_mut();
    let mut word = |place: usize, value: i32| {
        memory[place..place + 4].copy_from_slice(&value.to_le_bytes());
    };
    word(COUNT, items.len() as i32);
    for (place, (array, number, order, kind)) in items.iter().enumerate() {
        let item = ITEMS + 12 * place;
        word(item, *array);
        word(item + 8, *kind);
        if *array != 0 {
            let descr = *array as usize + 256;
            word(*array as usize + 28, descr as i32);
            word(descr + 16, *number);
            word(descr + 14, i32::from(*order));
            word(descr + 16, *number);
        }
    }
    let kind = guest.call("subscript", answer).unwrap();
    let memory = guest.memory_bytes();
    let objects = (0..items.len()).map(|place| {
        let at = ITEMS + 12 * place;
        i32::from_le_bytes(memory[at..at + 4].try_into().unwrap())
    });
    (kind, objects.collect(), guest.global("released"))
}

#[test]
fn wide_arrays_are_cast_and_nothing_else_is() {
    // 7 is the number of the pointer-sized type, which the stand-in adds.
    for number in [6, 8, 9, 10] {
        let found = taken_apart(&[(ARRAY, number, b'=', FANCY)], 5);
        assert_eq!(found, (5, vec![ARRAY + 7], 1), "{number}");
    }
    for (item, why) in [
        ((ARRAY, 7, b'=', FANCY), "pointer-sized already"),
        ((ARRAY, 12, b'=', FANCY), "floats are refused elsewhere"),
        ((ARRAY, 9, b'>', FANCY), "another byte order"),
        ((ARRAY, 9, b'=', SLICE), "no array of positions"),
        ((0, 9, b'=', FANCY), "no object"),
    ] {
        assert_eq!(taken_apart(&[item], 5), (5, vec![item.0], 0), "{why}");
    }
    // What was found to be wrong already is not looked at.
    let item = (ARRAY, 9, b'=', FANCY);
    assert_eq!(taken_apart(&[item], -1), (-1, vec![ARRAY], 0));
}

#[test]
fn one_that_does_not_fit_fails_and_all_are_released() {
    let items = [
        (ARRAY, 9, b'=', FANCY),
        (0, 0, b'=', SLICE),
        (FAILS, 9, b'=', FANCY),
    ];
    let (kind, _, released) = taken_apart(&items, 5);
    // The first array, its narrow form, and the one that failed.
    assert_eq!((kind, released), (-1, 3));
}

#[test]
fn a_call_that_is_not_as_expected_is_refused() {
    for (function, calls, expected) in [
        ("twice", "prepare", "it does not call it exactly once"),
        ("subscript", "subscript", "other parameters"),
        ("gone", "prepare", "no function `gone`"),
    ] {
        let error = rewrite(&compile(MODULE), &options(function, calls))
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}
