//! Replies with calls, thoughts and blocks in their text: what is wanted done comes from the
//! text, and calls can be told apart. A short text is read once more over and over, so that
//! time that grows with the square of a reply is seen.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_agent::fuzzing::check_reply;

/// A text that is repeated, and how long it becomes.
const SHORT_BYTES: usize = 16;
const LONG_BYTES: usize = 128 << 10;

fuzz_target!(|text: &str| {
    assert_eq!(check_reply(text), Ok(()));
    if (1..=SHORT_BYTES).contains(&text.len()) {
        let long = text.repeat(LONG_BYTES / text.len());
        assert_eq!(check_reply(&long), Ok(()));
    }
});
