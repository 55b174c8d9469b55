//! What the host does where a supervisor does not end what it is to end, and no domain
//! is around it.

use super::processes::{has_entry, is_child, kill_if, listed_children, newest_first};
use rustix::process::{Pid, Signal, getpgid, getpid, kill_process};
use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

/// The variable that marks what was started for a tool.
const VARIABLE: &str = "MEMEX_STARTED_BY";
/// Between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(1);
/// How long it is looked: what still starts processes then is left to itself.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// Looks in a row that find nothing, after which there is taken to be nothing. A process
/// that started another one and ended during a look may have hidden that.
const EMPTY_LOOKS: u32 = 3;
/// Looks in a row that find nothing outside of the supervisor's group, after which the
/// rest is left to the end of the group.
const GROUPED_LOOKS: u32 = 100;

/// A value that no other process has in its environment but what is started with it, as
/// long as that is handed on.
#[derive(Debug, Clone)]
pub struct Mark(String);

impl Mark {
    /// Another one each time.
    #[must_use]
    pub fn another() -> Self {
        let word = || RandomState::new().build_hasher().finish();
        let host = std::process::id();
        Self(format!("{host}-{:016x}{:016x}", word(), word()))
    }

    /// The variable to start a program with.
    #[must_use]
    pub fn variable(&self) -> (&str, &str) {
        (VARIABLE, &self.0)
    }

    /// Kills what has this mark. Blocks.
    pub fn clear(&self) {
        let entry = format!("{VARIABLE}={}", self.0).into_bytes();
        // Others' processes do not come to have it: they are read once.
        let mut others = BTreeSet::from([number(getpid())]);
        looks(|| {
            let mut seen = Seen::default();
            for process in newest_first() {
                if others.contains(&number(process)) {
                    continue;
                }
                match kill_if(process, |process| has_entry(process, &entry)) {
                    true => {
                        seen = Seen {
                            any: true,
                            outside: true,
                        }
                    }
                    false => drop(others.insert(number(process))),
                }
            }
            seen
        });
    }
}

/// Kills what is below a supervisor, in its place, and then itself. The system
/// gives it the children of those that are killed as long as it lives, stopped or
/// not. Blocks. The caller has not collected the supervisor: its number is its own, and
/// is that of a group, which the caller kills next.
pub fn clear_below(supervisor: Pid) {
    looks(|| {
        let mut seen = Seen::default();
        let processes = listed_children(supervisor).unwrap_or_else(newest_first);
        for process in processes {
            if kill_if(process, |process| is_child(process, supervisor)) {
                seen.any = true;
                seen.outside |= getpgid(Some(process)).is_ok_and(|group| group != supervisor);
            }
        }
        seen
    });
    let _ = kill_process(supervisor, Signal::KILL);
}

/// What a look has found, and killed.
#[derive(Default)]
struct Seen {
    any: bool,
    /// Whether any of it was in a group of its own.
    outside: bool,
}

/// Looks, and kills, until there is nothing more to be found.
fn looks(mut look: impl FnMut() -> Seen) {
    let end = Instant::now() + LOOK_MAX;
    let (mut empty, mut grouped) = (0, 0);
    while Instant::now() < end {
        let seen = look();
        empty = if seen.any { 0 } else { empty + 1 };
        grouped = if seen.outside { 0 } else { grouped + 1 };
        if empty >= EMPTY_LOOKS || grouped >= GROUPED_LOOKS {
            return;
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

fn number(process: Pid) -> i32 {
    process.as_raw_nonzero().get()
}
