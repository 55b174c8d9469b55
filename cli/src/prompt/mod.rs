//! The prompt: a conversation with a session, and the line editor in front of
//! it.

mod blocks;
mod conversation;
mod editor;
mod highlighting;
mod line;
mod questions;

pub(crate) use blocks::Splitter;
pub(crate) use conversation::{Conversation, Flow};
pub(crate) use editor::editor;
pub(crate) use line::{Marks, line_editor};
