//! Sessions by name, for clients that name them or say nothing.
//!
//! ```text
//!  name ─► entry ─► its queue ─► a place among the turns ─► the pool ─► a session
//!            │                                                │
//!            └ made, or found in the store        saved after each turn
//! ```
//! Calls of one session run one after the other; sessions run beside each other. The number of sessions, of calls that wait, and of turns that run is bounded.

mod entry;
mod error;
mod options;
mod registry;
mod running;
mod sink;
mod turns;

pub use error::ScopeError;
pub use options::ScopeOptions;
pub use registry::Scopes;
pub(crate) use running::{Running, StopOnDrop};
pub(crate) use turns::Ran;
