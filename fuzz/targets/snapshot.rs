//! A snapshot whose checksum is right: what is accepted encodes to a snapshot
//! of the same pages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_runtime::fuzzing::ForgedSnapshots;
use std::sync::OnceLock;

const IMAGE_PAGES: usize = 16;

fuzz_target!(|body: &[u8]| {
    static READER: OnceLock<ForgedSnapshots> = OnceLock::new();
    let reader = READER.get_or_init(|| {
        let file = tempfile::tempfile().expect("a temporary file");
        ForgedSnapshots::new(file, IMAGE_PAGES).expect("an image can be mapped")
    });
    if let Err(error) = reader.read(body) {
        let reason = error.to_string();
        assert!(!reason.contains("its pages changed") && !reason.contains("a chunk is missing"));
    }
});
