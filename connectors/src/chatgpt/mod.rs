//! ChatGPT exports.

mod branches;
mod content;
mod conversation;
mod import;
mod profile;

pub(crate) use import::import;
#[cfg(feature = "fuzzing")]
pub(crate) use import::{Found, read};
