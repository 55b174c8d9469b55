//! A WebAssembly module that says it is a guest: inspected and rewritten, or
//! refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_guest_python::{RewriteOptions, inspect, rewrite};

fuzz_target!(|wasm: &[u8]| {
    if let Err(error) = inspect(wasm) {
        assert!(!error.to_string().is_empty());
    }
    let options = RewriteOptions {
        interrupt_flag_address: Some(16),
        chunk_bulk_memory: true,
        ..RewriteOptions::default()
    };
    match rewrite(wasm, &options) {
        Ok(rewritten) => assert!(inspect(&rewritten.wasm).is_ok()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
