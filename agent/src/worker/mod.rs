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
mod command;
mod frames;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod hosted;
mod link;
mod mailbox;
mod origins;
mod output;
mod pool;
mod remote;
mod server;
mod to_agent;

pub(crate) use begin::Origin;
pub use command::WorkerCommand;
pub use pool::Workers;
pub use server::serve;
