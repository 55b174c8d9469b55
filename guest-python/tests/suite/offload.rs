//! Functions whose work the host does.

use memex_guest_python::{Offload, RewriteOptions, Work, rewrite};

use crate::guest::{compile, interruptible, rewritten};

/// A product, a factorization and a sort, called as OpenBLAS and numpy do.
const MODULE: &str = "(module
  (import \"host\" \"call\" (func $call (param i32 i32 i32 i32) (result i32)))
  (memory (export \"memory\") 1)
  (func $product (export \"product\") (param i32 i32 i32 i32 i32 i32) (result i32) (local f64)
    (i32.const 0))
  (func $sort (export \"sort\") (param i32 i32)))";

fn options(function: &str, work: &str) -> RewriteOptions {
    RewriteOptions {
        offloads: vec![Offload {
            function: function.to_owned(),
            work: Work::named(work).unwrap(),
        }],
        ..interruptible()
    }
}

#[test]
fn functions_begin_with_a_call_and_stay_valid() {
    let plain = rewritten(MODULE, &interruptible()).wasm.len();
    for (function, work) in [
        ("product", "dgemm_nn"),
        ("product", "sgemm_tt"),
        ("product", "dgetrf"),
        ("sort", "sort_float64"),
    ] {
        let changed = rewritten(MODULE, &options(function, work)).wasm.len();
        assert!(changed > plain + 10, "{work}");
    }
}

#[test]
fn a_function_of_another_kind_is_refused() {
    let refused = |module: &str, function: &str, work: &str| {
        let error = rewrite(&compile(module), &options(function, work)).unwrap_err();
        error.to_string()
    };
    let text = refused(MODULE, "sort", "dgemm_nn");
    assert!(
        text.contains("`sort`") && text.contains("does this work"),
        "{text}"
    );
    let text = refused(MODULE, "product", "sort_float32");
    assert!(text.contains("does this work"), "{text}");
    let text = refused(MODULE, "elsewhere", "dgetrf");
    assert!(text.contains("elsewhere"), "{text}");
    let alone = MODULE.replace("\"host\"", "\"other\"");
    let text = refused(&alone, "product", "dgetrf");
    assert!(text.contains("no `host.call`"), "{text}");
}

/// A call's length tells the work; no frame has one of these.
#[test]
fn lengths_that_are_no_work() {
    assert_eq!(Work::of_call(-16), Work::named("dgemm_nn"));
    for length in [0, 1, 16, -1, -15, -1000, i32::MIN, i32::MAX] {
        assert_eq!(Work::of_call(length), None, "{length}");
    }
}
