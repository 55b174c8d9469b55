//! Processes of this system: who started whom, and what their environment says.
//! Where there is no `/proc`, there are none.

use rustix::process::Pid;
use std::io::Read;
use std::path::Path;

/// The most of an environment that is looked through. A program can begin with more.
const ENVIRONMENT_MAX_BYTES: u64 = 4 << 20;

/// Fields of `/proc/PID/stat` between the parent's number and the number of threads.
const THREADS_AFTER_PARENT: usize = 15;

/// All processes that are seen, the newest first as far as their numbers say so: of
/// processes that start one another and end, one of these is there for longest.
pub(super) fn newest_first() -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = processes.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        Pid::from_raw(name.to_str()?.parse().ok()?)
    });
    let mut all: Vec<Pid> = numbers.collect();
    all.sort_unstable_by_key(|process| std::cmp::Reverse(process.as_raw_nonzero()));
    all
}

/// The children of a process as it lists them itself, those among them that have ended.
/// They are there also where other users' processes, and those that hide their memory,
/// are not seen. `None` where the system has no such lists.
pub(super) fn listed_children(parent: Pid) -> Option<Vec<Pid>> {
    let threads = std::fs::read_dir(format!("/proc/{}/task", parent.as_raw_nonzero())).ok()?;
    let mut children = Vec::new();
    for thread in threads {
        let list = std::fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
        let numbers = list.split_whitespace().filter_map(|word| word.parse().ok());
        children.extend(numbers.filter_map(Pid::from_raw));
    }
    Some(children)
}

/// Kills a process if it still is what was looked for, and no other one that has
/// been given its number. Gives whether it was.
#[cfg(target_os = "linux")]
pub(super) fn kill_if(process: Pid, is_it: impl Fn(Pid) -> bool) -> bool {
    use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else {
        return false;
    };
    let found = is_it(process);
    if found {
        // One that has ended needs no killing; another user's is not killed.
        let _ = pidfd_send_signal(handle, Signal::KILL);
    }
    found
}

#[cfg(not(target_os = "linux"))]
pub(super) fn kill_if(_process: Pid, _is_it: impl Fn(Pid) -> bool) -> bool {
    false
}

/// Whether a process was started by `parent` or given to it, and has not ended.
pub(super) fn is_child(process: Pid, parent: Pid) -> bool {
    let path = format!("/proc/{}/stat", process.as_raw_nonzero());
    let Ok(text) = std::fs::read_to_string(path) else {
        return false;
    };
    // The name of a program may hold spaces and parentheses.
    let Some((_, rest)) = text.rsplit_once(')') else {
        return false;
    };
    let mut fields = rest.split_whitespace();
    let (state, of) = (fields.next(), fields.next());
    let of = of.and_then(|number| number.parse().ok());
    // The first thread of a process may end before the others; it is a zombie then.
    let threads: Option<u64> = fields
        .nth(THREADS_AFTER_PARENT)
        .and_then(|n| n.parse().ok());
    let has_ended = matches!(state, Some("Z" | "X")) && threads.is_none_or(|count| count <= 1);
    of.and_then(Pid::from_raw) == Some(parent) && !has_ended
}

/// Whether the environment with which a program began has `entry`.
pub(super) fn has_entry(process: Pid, entry: &[u8]) -> bool {
    let folder = format!("/proc/{}", process.as_raw_nonzero());
    if let Some(environment) = environment_in(Path::new(&folder)) {
        return holds(&environment, entry);
    }
    // Where the first thread has ended, the others still have it.
    let Ok(threads) = std::fs::read_dir(format!("{folder}/task")) else {
        return false;
    };
    let mut others = threads.filter_map(|thread| environment_in(&thread.ok()?.path()));
    others.next().is_some_and(|found| holds(&found, entry))
}

/// The environment of a process or a thread; `None` where there is none to read.
fn environment_in(folder: &Path) -> Option<Vec<u8>> {
    let file = std::fs::File::open(folder.join("environ")).ok()?;
    let mut environment = Vec::new();
    let read = file
        .take(ENVIRONMENT_MAX_BYTES)
        .read_to_end(&mut environment);
    (read.is_ok() && !environment.is_empty()).then_some(environment)
}

fn holds(environment: &[u8], entry: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|one| one == entry)
}
