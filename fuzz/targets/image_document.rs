//! What a store of images holds: any bytes are a document or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(reason) = memex_runtime::fuzzing::check_document(bytes) {
        assert!(!reason.is_empty());
    }
});
