//! The service: what all wires ask, in plain Rust.

mod answering;
mod aside;
mod assembling;
mod committing;
mod creating;
mod ending;
mod entry;
mod files;
mod listing;
mod options;
mod pausing;
mod permitting;
mod registry;
mod running;
mod session_turn;
mod state;
mod states;
mod sweeping;
mod tree;
mod turn;
mod unneeded;
mod waking;

pub use listing::{ListFilter, SandboxUsage, StateName};
pub use memex_sessions::files::{FileEntry, FileKind};
pub use options::ServiceOptions;
pub use state::Service;
