//! The broker: the one place where calls of guest code are permitted, run and
//! recorded.
//!
//! ```text
//!  frame ─► head ─► permission: known? granted? within budget? fits the schema?
//!                        │ no: an exception          │ yes
//!                        ▼                           ▼
//!                      audit ◄── settlement ◄── the tool runs
//!                                 (size, form)    plain: on the session's thread
//!                                                 awaited: polled once, then a task
//! ```
//! Whether a call goes through is decided in `permission.rs`, what of an answer
//! goes back in `settlement.rs`. Nothing that a guest sends ends a session: every
//! refusal is an exception there.

mod awaited;
mod budget;
mod client;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod head;
mod permission;
mod plain;
mod questions;
mod restoring;
mod running;
mod session;
mod settlement;
mod texts;

pub use budget::Budget;
pub use client::{
    AnswerError, ClientAnswer, ClientCall, ClientCalls, HOLD, SAVED_CALLS_VERSION, SavedCalls,
};
pub use session::{Broker, BrokerBuilder};
pub use settlement::result_of;
