//! Sessions in worker processes.
//!
//! ```text
//!  agent ── begin, turn, reply, answers, interrupt ──► worker: sandboxes, no tools, no keys
//!        ◄── call, fork, outcome, error ─────────────┘
//! ```
//! Frames (`frames.rs`) go over the worker's standard streams, which its guests
//! cannot reach. The first frame of a session carries its spec (`begin.rs`), and a
//! worker knows nothing else: its environment is empty, and it reads no
//! configuration. A worker holds the session of a run and those that it forks: an
//! agent that is spawned in the middle of a block begins in a copy that never
//! leaves the process. Calls of guests come to the agent as they are and pass the
//! same gate there; those that are awaited go on there while the guest does other
//! things. A worker that dies costs the turns under way and their scopes; each
//! run continues in another one.

mod answers;
mod begin;
mod frames;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod hosted;
mod link;
mod mailbox;
mod origins;
mod pool;
mod remote;
mod server;
mod to_agent;

pub(crate) use begin::Origin;
pub(crate) use link::RemoteFork;
pub(crate) use pool::Leased;
pub use pool::{WorkerCommand, Workers};
pub use server::serve;

use remote::Remote;

use crate::agent::Inner;
use crate::run::Place;
use crate::{Backend, Error};
use memex_trajectories::ActionSpace;

/// A worker for a run, where the backend has some.
pub(crate) fn place(inner: &Inner) -> Option<Result<Place, Error>> {
    let config = &inner.config;
    if config.action_space == ActionSpace::Tools || config.backend == Backend::InProcess {
        return None;
    }
    let Some((workers, origin)) = &inner.workers else {
        let what = "needs worker processes, and none were given; use `in_process`";
        return Some(Err(Error::setting("backend", what)));
    };
    let reuse = config.backend == Backend::Pool;
    Some(Ok(Place::Worker(workers.lease(origin, reuse))))
}
