//! Worker processes: started on need, and kept for the next run.

use std::sync::Arc;

use parking_lot::Mutex;

use super::begin::Origin;
use super::command::WorkerCommand;
use super::link::Link;
use crate::Error;

/// Most workers that are kept idle.
const IDLE_MAX: usize = 64;

/// Worker processes of one command. They know nothing of sessions before the
/// first frame of each, so that agents of several specs can share them. Cheap to
/// clone; clones share the workers.
#[derive(Debug, Clone)]
pub struct Workers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    command: WorkerCommand,
    idle: Mutex<Vec<Link>>,
}

/// A worker for one run, not yet started.
#[derive(Debug, Clone)]
pub(crate) struct Leased {
    workers: Workers,
    /// The origin of the run's sessions.
    origin: Arc<Origin>,
    /// Whether it goes back to the others after the run.
    reuse: bool,
}

impl Workers {
    /// Workers of this command; none is started yet.
    #[must_use]
    pub fn new(command: WorkerCommand) -> Self {
        Self {
            shared: Arc::new(Shared {
                command,
                idle: Mutex::default(),
            }),
        }
    }

    pub(crate) fn lease(&self, origin: &Arc<Origin>, reuse: bool) -> Leased {
        Leased {
            workers: self.clone(),
            origin: Arc::clone(origin),
            reuse,
        }
    }
}

impl Leased {
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// An idle worker that lives, or a new one.
    pub(super) fn take(&self) -> Result<Link, Error> {
        let shared = &self.workers.shared;
        loop {
            let idle = shared.idle.lock().pop();
            match idle {
                None => return Link::start(&shared.command),
                Some(link) if link.is_alive() => return Ok(link),
                Some(_) => {}
            }
        }
    }

    /// Keeps a worker for the next run, if it is to be kept.
    pub(super) fn give_back(&self, link: Link) {
        let mut idle = self.workers.shared.idle.lock();
        if self.reuse && idle.len() < IDLE_MAX {
            idle.push(link);
        }
    }
}
