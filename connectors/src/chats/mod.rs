//! Conversations with assistants.

mod conversation;
mod listed;
mod mended;
mod values;
mod writing;

pub(crate) use conversation::{Branch, Conversation, Said};
pub(crate) use listed::each;
pub(crate) use values::{fenced, text, time};
pub(crate) use writing::write;
