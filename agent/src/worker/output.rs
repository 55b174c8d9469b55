//! What a worker has for its agent: frames, and forks that wait to be sessions.

use std::collections::BTreeMap;
use std::io::Write;

use memex_runtime::MidTurnFork;
use parking_lot::Mutex;

use super::frames::{FORKS_FROM, Kind, write};

/// Most forks that wait to become sessions.
const FORKS_MAX: usize = 10_000;

/// Frames from sessions, and their forks.
pub(super) struct Output {
    stream: Mutex<Box<dyn Write + Send>>,
    forks: Mutex<Forked>,
}

#[derive(Default)]
struct Forked {
    waiting: BTreeMap<u32, MidTurnFork>,
    made: u32,
}

impl Output {
    pub(super) fn new(stream: impl Write + Send + 'static) -> Self {
        Self {
            stream: Mutex::new(Box::new(stream)),
            forks: Mutex::default(),
        }
    }

    /// Sends a frame; `false` if the agent is gone.
    pub(super) fn send(&self, session: u32, kind: Kind, payload: &[u8]) -> bool {
        write(&mut **self.stream.lock(), session, kind, payload).is_ok()
    }

    /// Keeps a fork under a number of its own, if there is room.
    pub(super) fn keep(&self, fork: MidTurnFork) -> Option<u32> {
        let mut forks = self.forks.lock();
        if forks.waiting.len() >= FORKS_MAX {
            return None;
        }
        let session = FORKS_FROM | forks.made;
        forks.made = (forks.made + 1) % FORKS_FROM;
        forks.waiting.insert(session, fork);
        Some(session)
    }

    /// Takes a fork out, if one waits under this number.
    pub(super) fn take(&self, session: u32) -> Option<MidTurnFork> {
        self.forks.lock().waiting.remove(&session)
    }
}
