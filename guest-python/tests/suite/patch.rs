//! Bytes that a manifest replaces, exactly or not at all.

use memex_guest_python::{Patch, Place, RewriteOptions, rewrite};

use crate::guest::{Guest, compile, interruptible, rewritten};

/// `seven` holds `i32.const 7` twice, and the bytes `41 07` a third time inside
/// of a longer constant.
const MODULE: &str = "(module (memory (export \"memory\") 1)
  (func $seven (export \"seven\") (result i32)
    (i32.add (i32.add (i32.const 7) (i32.const 7)) (i32.sub (i32.const 961) (i32.const 961))))
  (func $other (export \"other\") (result i32) (i32.const 7))
  (func $twice (result i32) (i32.const 7)) (func $twice2 (result i32) (i32.const 7))
  (func $load (export \"load\") (result i32) (i32.load8_u (i32.const 65)))
  (data (i32.const 64) \"abc\"))";

fn patch(place: Place, find: &[u8], replace: &[u8], times: usize) -> RewriteOptions {
    let patch = Patch {
        place,
        find: find.to_vec(),
        replace: replace.to_vec(),
        times,
    };
    RewriteOptions {
        patches: vec![patch],
        ..interruptible()
    }
}

fn function(name: &str) -> Place {
    Place::Function(name.to_owned())
}

#[test]
fn a_patch_changes_the_named_function_alone() {
    let options = patch(function("seven"), &[0x41, 7], &[0x41, 9], 2);
    let mut guest = Guest::new(&rewritten(MODULE, &options));
    assert_eq!(guest.call::<_, i32>("seven", ()), Ok(18));
    assert_eq!(guest.call::<_, i32>("other", ()), Ok(7));
    // Positive control: without it.
    let mut guest = Guest::new(&rewritten(MODULE, &interruptible()));
    assert_eq!(guest.call::<_, i32>("seven", ()), Ok(14));
}

#[test]
fn a_patch_changes_data() {
    let options = patch(Place::Data(65), b"bc", b"BC", 1);
    let mut guest = Guest::new(&rewritten(MODULE, &options));
    assert_eq!(
        guest.call::<_, i32>("load", ()),
        Ok(i32::from(b'B')),
        "a byte of the segment"
    );
}

#[test]
fn a_patch_that_does_not_fit_exactly_is_refused_by_function_and_pattern() {
    let cases = [
        (
            patch(function("seven"), &[0x41, 7], &[0x41, 9], 1),
            "the function `seven` of the guest module has the bytes `41 07` 2 times, not 1",
        ),
        (
            patch(function("seven"), &[0x41, 7], &[0x41, 9], 3),
            "`41 07` 2 times, not 3",
        ),
        // What is there, but not where an instruction begins.
        (
            patch(function("seven"), &[0xc1, 7], &[0xc1, 8], 2),
            "`c1 07` 0 times, not 2",
        ),
        (
            patch(function("other"), &[0x41, 8], &[0x41, 9], 1),
            "the function `other` of the guest module has the bytes `41 08` 0 times",
        ),
        (
            patch(function("seven"), &[0x41, 7], &[0x41], 2),
            "`41 07` 2 times",
        ),
        (
            patch(function("gone"), &[0x41, 7], &[0x41, 9], 1),
            "has no function `gone`",
        ),
        (
            patch(Place::Data(65), b"bd", b"BD", 1),
            "the data at address 0x41 of the guest module has the bytes `62 64` 0 times, not 1",
        ),
        (patch(Place::Data(66), b"cd", b"CD", 1), "`63 64` 0 times"),
        (patch(Place::Data(1), b"b", b"B", 1), "address 0x1 "),
    ];
    for (options, expected) in cases {
        let error = rewrite(&compile(MODULE), &options)
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error:?} for {expected:?}");
        assert!(error.contains("hint: "), "{error}");
    }
}
