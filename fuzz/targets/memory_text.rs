//! What a memory's files say, and the document and records that one comes in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_memory::StaticMemory;
use memex_memory::fuzzing::{check_journal_record, check_markdown};

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(check_journal_record(bytes), Ok(()));
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    assert_eq!(check_markdown(text), Ok(()));
    match StaticMemory::parse(text) {
        Ok(memory) => {
            let written = memory.to_json().expect("what was read can be written");
            assert_eq!(StaticMemory::parse(&written).ok(), Some(memory));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
