//! Saved sessions: taking them, and their form outside of the process.
//!
//! A [`Snapshot`] in memory shares its pages with the session and with other
//! snapshots of it. Encoded it is a small head, and chunks for what is large,
//! each named by its digest so that a store keeps equal ones once. The format
//! is described in `docs/snapshot-format.md`.

mod bounds;
mod decode;
mod encode;
mod format;
#[cfg(test)]
mod golden;
mod packing;
mod reseeding;
mod saved;

pub(crate) use bounds::Bounds;
pub use decode::info;
pub use encode::{Chunk, Encoded};
pub use format::{FORMAT_VERSION, SnapshotInfo};
pub use reseeding::without_generators;
pub use saved::{Generators, Snapshot};
