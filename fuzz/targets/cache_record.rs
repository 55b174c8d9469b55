//! The record of an image in the cache, its own digest right or not: any text is a
//! record or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check(text);
    check(&format!(
        "{}\n{text}\n",
        blake3::hash(text.as_bytes()).to_hex()
    ));
});

fn check(record: &str) {
    if let Err(reason) = memex_runtime::fuzzing::check_record(record) {
        assert!(!reason.is_empty());
    }
}
