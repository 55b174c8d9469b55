//! Sandboxes as data: what is asked for, what is told of one, what is kept of one.

mod request;
mod view;

pub use request::{Create, Durability, Narrowing, OnTimeout, Origin};
pub use view::{EndReason, Ended, Page, SandboxView, SnapshotView, State, TurnRecord, Waiting};
