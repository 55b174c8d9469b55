//! A display of the guest: any bytes are a display or an error, and its content
//! comes from the frame.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match memex_runtime::fuzzing::check_display(bytes) {
        Ok(content) => assert!(content <= bytes.len()),
        Err(reason) => assert!(!reason.is_empty()),
    }
});
