//! A run: the loop between a model and its hands.
//!
//! ```text
//!            ┌────────────── observation, results, hints ◄─────────────┐
//!            ▼                                                         │
//!   budget ─► request ─► model ─► reply ─► Action ─┬─ code ──► Scope ──┤
//!      │                                           ├─ calls ─► Broker ─┘
//!      └► exhausted, cancelled                     └─ answer, refusal, failure ─► end
//!                                     submit(…) accepted ──────────────────────► end
//! ```
//! One loop serves both spaces: they differ in what a request offers and in
//! what carries an action out.

mod asking;
mod blocks;
mod calls;
mod driver;
pub(crate) mod fuzzing;
mod plan;
mod recorder;
mod request;
mod resuming;

/// Stack of the threads that runs and sessions go on. A guest's own stack and
/// what the host needs below it fit, so that none is mapped for each call.
pub(crate) const STACK_BYTES: usize = 24 << 20;

pub(crate) use driver::Driver;
pub(crate) use plan::{Place, Plan};
pub(crate) use recorder::Recorder;
pub use request::{NoWatcher, RunRequest, RunResult, Watcher};
