//! What a worker reads from its agent: answers to at most the calls that it made.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert!(memex_agent::fuzzing::worker_frames(bytes) <= 4);
});
