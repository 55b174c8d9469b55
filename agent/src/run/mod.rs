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
//! One loop (`state.rs`, `looping.rs`) serves both spaces and every other
//! [`Dialect`]: they differ in what a request offers, in how a reply is read and
//! in what carries an action out. A driver (`driver.rs`) asks it one task, on the
//! thread that called; a [`Dialogue`] asks it question after question, as a
//! future. Code that spawns an agent is answered from above the loop
//! (`spawning.rs`): the loop has a [`Spawner`](crate::scope::Spawner), and does
//! not know that a run stands behind it.

mod asking;
mod beginning;
mod blocks;
mod calls;
mod continuing;
mod dialect;
mod dialogue;
mod driver;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod hands;
mod looping;
mod plan;
mod request;
mod result;
mod resuming;
mod spawning;
mod spoken;
mod state;
mod watcher;

pub use beginning::{Beginning, KeptScope};
pub use dialect::Dialect;
pub use dialogue::{Answered, Dialogue, DialogueSettings};
pub use request::RunRequest;
pub use result::RunResult;
pub use state::Spent;
pub use watcher::{NoWatcher, Watcher};
