//! A WebP file: frames of the size that it states, or a refusal, within its room.
#![no_main]

mod natives;

use libfuzzer_sys::fuzz_target;

const HEADS: &[&str] = &[
    r#"{"name": "webp.decode"}"#,
    r#"{"name": "webp.decode", "first": 1, "count": 1}"#,
];

fuzz_target!(|bytes: &[u8]| {
    for head in HEADS {
        natives::call(head, bytes);
    }
});
