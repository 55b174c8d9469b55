//! A Zstandard frame: what it holds, or a refusal, within its room; the same in windows.
#![no_main]

mod natives;

use libfuzzer_sys::fuzz_target;

const HEADS: &[&str] = &[
    r#"{"name": "zstd.decompress"}"#,
    r#"{"name": "zstd.decompress", "skip": 1000, "most": 1000}"#,
];

fuzz_target!(|bytes: &[u8]| {
    for head in HEADS {
        natives::call(head, bytes);
    }
});
