//! What the host does where a supervisor does not end what it is to end.

use super::processes::{children_of, has_entry, is_child, kill_if, marked};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// The variable that marks what was started for a tool.
const VARIABLE: &str = "MEMEX_STARTED_BY";
/// Between two rounds of killing.
const KILL_PAUSE: Duration = Duration::from_millis(5);
/// Rounds of killing after which what still starts processes is left to itself.
const KILL_ROUNDS: u32 = 2_000;

/// A value that no other process has in its environment but what is started with it, as
/// long as that is handed on.
#[derive(Debug, Clone)]
pub(crate) struct Mark(String);

impl Mark {
    /// Another one each time.
    pub(crate) fn new() -> Self {
        let word = || RandomState::new().build_hasher().finish();
        let host = std::process::id();
        Self(format!("{host}-{:016x}{:016x}", word(), word()))
    }

    /// The variable to start a program with.
    pub(crate) fn variable(&self) -> (&str, &str) {
        (VARIABLE, &self.0)
    }

    /// Kills what has this mark. Blocks.
    pub(crate) fn clear(&self) {
        let entry = format!("{VARIABLE}={}", self.0).into_bytes();
        rounds(
            || marked(&entry),
            |process| kill_if(process, |process| has_entry(process, &entry)),
        );
    }
}

/// Kills what is below a supervisor, in its place, and then itself. The system
/// gives it the children of those that are killed as long as it lives, stopped or
/// not. Blocks. The caller has not collected the supervisor: its number is its own.
pub(crate) fn clear_below(supervisor: Pid) {
    rounds(
        || children_of(supervisor),
        |process| kill_if(process, |process| is_child(process, supervisor)),
    );
    let _ = kill_process(supervisor, Signal::KILL);
}

/// Looks and kills until there is nothing more to be found.
fn rounds(look: impl Fn() -> Vec<Pid>, kill: impl Fn(Pid)) {
    for _ in 0..KILL_ROUNDS {
        let found = look();
        if found.is_empty() {
            return;
        }
        found.into_iter().for_each(&kill);
        std::thread::sleep(KILL_PAUSE);
    }
}
