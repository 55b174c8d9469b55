//! Formats to exchange trajectories with other programs.
//!
//! | format | file | carries |
//! |---|---|---|
//! | [`Format::Native`] | JSON lines, one run | everything |
//! | [`Format::Atif`] | a JSON document, or one per line | everything: what ATIF has no field for stands under `extra.memex` |
//! | [`Format::Chat`] | JSON lines, a run per line | messages, tool calls, tools |
//! | [`Format::Rollout`] | JSON lines, a run per line | messages and a label |
//!
//! [`open`] finds out which of them a file has. A file that breaks the rules
//! of its format is an error that names the file, the line and the field.

pub mod atif;
pub mod chat;
mod detection;
pub mod rollout;
mod source;
pub mod training;

pub use detection::{DOCUMENT_MAX_BYTES, Format, detect};
pub use source::{Trajectories, open, write};
