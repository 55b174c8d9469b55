//! Panics of code that is given to a session: sinks, tools, forks.
//!
//! Such code runs between the guest's frames, and the engine lets its panics
//! through. They end here, and so does the session: a guest that was left in the
//! middle of a call goes on nowhere. What holds without this file: the clocks
//! are disarmed when the guest is dropped, and its slot is not used again.

use super::lifecycle::Session;
use crate::error::Error;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Characters of a panic's message that are kept.
const WORDS_MAX: usize = 500;

impl Session {
    /// Runs what may call code of the embedder. A panic of it loses the session.
    pub(super) fn caught<R>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, Error>,
    ) -> Result<R, Error> {
        // The session is not used again after a panic.
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        result.unwrap_or_else(|panic| {
            self.lose();
            Err(Error::Panicked(words(&*panic)))
        })
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.map_or_else(
        || "no message".to_owned(),
        |words| words.chars().take(WORDS_MAX).collect(),
    )
}
