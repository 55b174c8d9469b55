//! A model that reads its replies from a file.

mod entry;
mod file;
mod matching;
mod model;
mod player;

pub use entry::{Expectation, Failure, ScriptEntry, ScriptedCall};
pub use file::{SCRIPT_BYTES_MAX, Script, ScriptOrder};
pub use model::{ScriptedModel, pieces};
pub use player::ScriptPlayer;

pub(crate) use file::{format, read_text};
pub(crate) use matching::description;
pub(crate) use model::tell;
