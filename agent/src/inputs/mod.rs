//! Live scope: objects that a session begins with, made of files and values.
//!
//! | source | object |
//! |---|---|
//! | `.json` | what it says, or a list of `Trajectory` where it is one |
//! | `.jsonl`, `.ndjson` | a list, or a list of `Trajectory` where the lines are some |
//! | `.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather`, `.ipc`, `.arrows` | a DataFrame |
//! | a folder | a dictionary of its text files, by path; a list of `Trajectory` where all are some |
//! | anything else | text |
//! | a value | the value |
//!
//! The content goes to the guest in pieces and is parsed there; a model is told
//! the name, the type and the size, and nothing of what is in it.

mod files;
mod folders;
mod input;
mod loaded;
mod record;
mod runs;

pub use input::{Input, InputSource};
pub(crate) use loaded::Loaded;
pub(crate) use record::RecordedInput;
