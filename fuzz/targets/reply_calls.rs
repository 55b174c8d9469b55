//! Replies with calls, thoughts and blocks in their text: what is wanted done comes from the
//! text, and calls can be told apart. A short text behind a star is read over and over, so
//! that time that grows with the square of a reply is seen.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_agent::fuzzing::check_reply;

/// A text that is repeated, and how long it becomes.
const SHORT_BYTES: usize = 16;
const LONG_BYTES: usize = 64 << 10;

fuzz_target!(|text: &str| {
    let repeated = match text.strip_prefix('*') {
        Some(short) if (1..=SHORT_BYTES).contains(&short.len()) => {
            short.repeat(LONG_BYTES / short.len())
        }
        _ => text.to_owned(),
    };
    assert_eq!(check_reply(&repeated), Ok(()));
});
