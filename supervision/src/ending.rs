//! How a supervisor ends what its program has started.

use super::confinement::Confined;
use super::processes::{is_child, listed_children, newest_first};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpgid, getpgrp, getpid, kill_current_process_group, kill_process,
    wait,
};
use std::time::Duration;

/// The first pause after a round of killing in which nothing has ended.
const PAUSE_MIN: Duration = Duration::from_micros(50);
/// The longest such pause: what cannot be ended is not given up, but the host looks after
/// it meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Children that are collected at once: as many as a machine has numbers for, usually. More
/// of them can end while they are killed and listed than a smaller number collects, until the
/// machine has no numbers left.
pub(super) const COLLECTED_MAX: u32 = 32_768;
/// Rounds in a row that find nothing outside of this process's group, after which the
/// group is killed, this process with it.
const GROUPED_ROUNDS: u32 = 200;

/// Ends all below this process, and collects it. With a domain around this process, what
/// starts others without a pause is ended too.
pub(super) fn end_below(domain: Option<&Confined>) {
    match domain {
        Some(confined) => end_domain(confined),
        None => end_children(),
    }
}

/// Children of those that are killed are given to this process, dying as they are.
fn end_domain(confined: &Confined) {
    while collect() != Left::Nothing {
        confined.end_all();
        // All of them are to die now, and each wakes this process.
        let _ = wait(WaitOptions::empty());
    }
}

/// Kills children until there are none: those of a child that was killed are
/// this process's, and their turn comes next. A child keeps its number until it
/// is collected here, so that no other process is met.
///
/// What starts others and ends without a pause may never be met in this way, if it stays in
/// this process's group. The group is killed at once then.
fn end_children() {
    let (own, group) = (getpid(), getpgrp());
    let (mut pause, mut grouped) = (PAUSE_MIN, 0_u32);
    loop {
        let left = collect();
        if left == Left::Nothing {
            return;
        }
        pause = match left == Left::Fewer {
            true => PAUSE_MIN,
            false => pause.saturating_mul(2).min(PAUSE_MAX),
        };
        let mut leaves_group = false;
        let mut kill = |child: Pid| {
            leaves_group |= getpgid(Some(child)).is_ok_and(|of| of != group);
            // One that has ended already is collected in the next round.
            let _ = kill_process(child, Signal::KILL);
        };
        match listed_children(own) {
            Some(children) => children.into_iter().for_each(&mut kill),
            // Each as soon as it is found: the list is old a moment later.
            None => {
                let processes = newest_first();
                // Where none are seen at all, there is only the group.
                grouped = grouped.max(if processes.is_empty() {
                    GROUPED_ROUNDS
                } else {
                    0
                });
                let children = processes.into_iter().filter(|one| is_child(*one, own));
                children.for_each(&mut kill);
            }
        }
        grouped = match leaves_group {
            true => 0,
            false => grouped.saturating_add(1),
        };
        if grouped >= GROUPED_ROUNDS && group == own {
            let _ = kill_current_process_group(Signal::KILL);
        }
        std::thread::sleep(pause);
    }
}

#[derive(PartialEq, Eq)]
enum Left {
    /// There are no children.
    Nothing,
    /// There are, and some have ended.
    Fewer,
    /// There are as many as before.
    Same,
}

/// Collects children that have ended, not all of them if there come more all the time.
fn collect() -> Left {
    let mut left = Left::Same;
    for _ in 0..COLLECTED_MAX {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => left = Left::Fewer,
            Err(Errno::CHILD) => return Left::Nothing,
            Ok(None) | Err(_) => return left,
        }
    }
    left
}
