//! The commands that run, by numbers that clients take for those of processes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::names::Id;

/// The first number; a shell's own is 1.
const FIRST: u32 = 100;

/// What a client wants to run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) cmd: String,
    pub(super) args: Vec<String>,
    pub(super) envs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cwd: Option<String>,
}

/// A command that runs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Process {
    config: Config,
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// By which it is interrupted.
    #[serde(skip)]
    pub(super) execution: String,
}

/// How a client names a process.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Selector {
    pid: Option<u32>,
    tag: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(in super::super) struct Processes {
    running: Mutex<HashMap<u32, (Id, Process)>>,
    next: AtomicU32,
}

/// Takes a command off the list when it is over.
#[derive(Debug)]
pub(super) struct Listed {
    processes: Arc<Processes>,
    pub(super) pid: u32,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.processes.running.lock().remove(&self.pid);
    }
}

impl Processes {
    /// Puts a command on the list.
    pub(super) fn begin(
        self: &Arc<Self>,
        sandbox: Id,
        config: Config,
        tag: Option<String>,
        execution: String,
    ) -> Listed {
        let pid = FIRST.saturating_add(self.next.fetch_add(1, Ordering::Relaxed) % (1 << 22));
        let process = Process {
            config,
            pid,
            tag,
            execution,
        };
        self.running.lock().insert(pid, (sandbox, process));
        Listed {
            processes: Arc::clone(self),
            pid,
        }
    }

    /// Those of a sandbox.
    pub(super) fn of(&self, sandbox: Id) -> Vec<Process> {
        let running = self.running.lock();
        let its = running.values().filter(|(id, _)| *id == sandbox);
        its.map(|(_, process)| process.clone()).collect()
    }

    pub(super) fn find(&self, sandbox: Id, selector: &Selector) -> Option<Process> {
        self.of(sandbox)
            .into_iter()
            .find(|process| match (selector.pid, &selector.tag) {
                (Some(pid), _) => process.pid == pid,
                (None, Some(tag)) => process.tag.as_ref() == Some(tag),
                (None, None) => false,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_its_sandboxes_alone_and_listed_while_it_runs() {
        let processes = Arc::new(Processes::default());
        let (one, other) = (Id::random().unwrap(), Id::random().unwrap());
        let tag = Some("t".to_owned());
        let listed = processes.begin(one, Config::default(), tag, "e".to_owned());
        let by_pid = Selector {
            pid: Some(listed.pid),
            tag: None,
        };
        let by_tag = Selector {
            pid: None,
            tag: Some("t".to_owned()),
        };
        assert_eq!(processes.find(one, &by_pid).unwrap().execution, "e");
        assert!(processes.find(one, &by_tag).is_some());
        assert!(processes.find(one, &Selector::default()).is_none());
        assert!(processes.find(other, &by_pid).is_none());
        assert!(processes.of(other).is_empty());
        drop(listed);
        assert!(processes.of(one).is_empty());
    }
}
