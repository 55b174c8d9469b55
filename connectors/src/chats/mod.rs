//! Conversations with assistants.

mod conversation;
mod listed;
mod values;
mod weighed;
mod writing;

pub(crate) use conversation::{Branch, Conversation, Said};
pub(crate) use listed::each;
pub(crate) use values::{fenced, text, time};
pub(crate) use weighed::document;
pub(crate) use writing::write;
