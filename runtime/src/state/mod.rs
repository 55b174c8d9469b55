//! What a session is while it does not run: its heap as a difference from the
//! image's, and its files.

mod delta;
mod heap;
mod rest;

pub(crate) use delta::{LINE_BYTES, Page, PageDelta};
pub(crate) use heap::HeapState;
pub(crate) use rest::RestState;
