//! A scratch of keys and values that sessions share.
//!
//! A [`SharedScratch`] lives in memory, as long as somebody holds it; a
//! [`ScratchFile`] also outlives the process and is shared between processes.
//! Every session whose toolbox has tools of the same scratch sees the same
//! values: JSON, bytes and tables.

mod file;
mod place;
mod store;
mod tools;

pub use file::ScratchFile;
pub use place::Scratch;
pub use store::{ScratchLimits, SharedScratch};
pub use tools::{scratch_read_tools, scratch_tools};
