//! Conversations of a ChatGPT export.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_connectors::Importer;
use memex_connectors::fuzzing::import_chatgpt;
use memex_memory::{Author, Memory, Options};
use std::sync::OnceLock;

fuzz_target!(|bytes: &[u8]| {
    static MEMORY: OnceLock<Memory> = OnceLock::new();
    let memory = MEMORY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        Memory::open(&folder, Options::default()).expect("a memory")
    });
    let importer = Importer::new(memory, Author::person("fuzz"));
    match import_chatgpt(bytes, &importer) {
        Ok(found) => assert!(found <= bytes.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
