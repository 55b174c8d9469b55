//! Headers in which a provider says how long to wait.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_models::fuzzing::told_to_wait;
use std::time::Instant;

fuzz_target!(|lines: &[u8]| {
    if let Some(wait) = told_to_wait(lines) {
        // Whoever waits adds it to the clock.
        let _until = Instant::now().checked_add(wait);
    }
});
