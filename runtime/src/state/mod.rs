//! What a session is while it does not run: its heap as a difference from the
//! image's, its files, and how its last turns ended.

mod delta;
mod heap;
mod rest;
mod streak;

pub(crate) use delta::{LINE_BYTES, Page, PageDelta};
pub(crate) use heap::HeapState;
pub(crate) use rest::RestState;
pub(crate) use streak::{Ending, Streak};
