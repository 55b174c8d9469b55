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
//! One [`Loop`] serves both spaces and every other [`Dialect`]: they
//! differ in what a request offers, in how a reply is read and in what carries
//! an action out. A [`Driver`] asks it one task, on the thread that called; a
//! [`Dialogue`] asks it question after question, as a future.

mod asking;
mod beginning;
mod blocks;
mod calls;
mod dialect;
mod dialogue;
mod driver;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod hands;
mod looping;
mod plan;
mod recorder;
mod request;
mod resuming;
mod spoken;

/// Stack of the threads that runs and sessions go on. A guest's own stack and
/// what the host needs below it fit, so that none is mapped for each call.
pub(crate) const STACK_BYTES: usize = 24 << 20;

pub use beginning::{Beginning, KeptScope};
pub use dialect::Dialect;
pub use dialogue::{Answered, Dialogue, DialogueSettings};
pub(crate) use driver::Driver;
pub(crate) use hands::Hands;
pub(crate) use looping::Loop;
pub use looping::Spent;
pub(crate) use plan::{Place, Plan};
pub(crate) use recorder::Recorder;
pub use request::{NoWatcher, RunRequest, RunResult, Watcher};
