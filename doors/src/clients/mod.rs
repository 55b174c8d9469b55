//! Entering a server into the configuration of an MCP client.
//!
//! Each client has one JSON file with an object of servers. An entry is added or replaced in
//! it, everything else stays as it was, and the file before is kept beside it.

mod client;
mod entry;
mod error;

pub use client::{Client, Directories};
pub use entry::{Entered, Entry, enter};
pub use error::ClientError;
