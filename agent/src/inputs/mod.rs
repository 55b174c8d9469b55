//! Live scope: objects that a session begins with, made of files and values.
//!
//! | source | object |
//! |---|---|
//! | `.json` | what it says, or a list of `Trajectory` where it is one |
//! | `.jsonl`, `.ndjson` | a list, or a list of `Trajectory` where the lines are some |
//! | a file of tables that `memex_sql` reads | a DataFrame; a dictionary of them where there are several |
//! | a folder of partitions, workbooks, columns or packed files | the same |
//! | another folder | a dictionary of its text files, by path; a list of `Trajectory` where all are some |
//! | anything else | text |
//! | a value | the value |
//!
//! Where a model calls tools, the same inputs are served by tools (`served.rs`).
//!
//! The content goes to the guest in pieces and is parsed there; a model is told
//! the name, the type and the size, and nothing of what is in it.

mod files;
mod folders;
mod input;
mod kinds;
mod loaded;
mod record;
mod runs;
mod served;
mod tables;

pub use input::{Input, InputSource};
pub(crate) use loaded::Loaded;
pub(crate) use record::RecordedInput;
pub(crate) use served::{serve, serve_again};
