//! Stores for the saved states of sessions.
//!
//! A store knows bytes, not sessions. To save a session, its owner gives a small
//! *head* and, for large parts, *chunks*, each named by its BLAKE3 digest;
//! the store keeps them, verifies them when they are read, and knows how they
//! are related: a [`Record`] with each head names the snapshot before it, and a
//! session's name points at its newest one.
//!
//! | store | for | survives |
//! |---|---|---|
//! | [`DirectoryStore`] | one machine, many processes | kill -9 and power loss after `put` returned |
//! | [`JournaledStore`] | one process with many small sessions | the same; see its durability |
//! | [`ObjectStore`] | many machines, an S3-compatible bucket | what the bucket survives |
//! | [`MemoryStore`] | pools and tests, one process | nothing |
//!
//! All of them keep the same objects in the same encoding; they differ in the
//! place and in how writers synchronise. `docs/store-format.md` describes the
//! layout.
//!
//! ```
//! use memex_snapshots::{MemoryStore, RecordDraft, Saved, SnapshotStore};
//!
//! let store = MemoryStore::new();
//! let first = store.put(&Saved::from_head(b"one".to_vec()), &RecordDraft::new("image", 1))?;
//! let draft = RecordDraft { parent: Some(first.id), ..RecordDraft::new("image", 2) };
//! let second = store.put(&Saved::from_head(b"two".to_vec()), &draft)?;
//!
//! store.set_session("work", None, second.id)?;
//! let turns: Vec<u64> = store.trail(&second.id)?.iter().map(|record| record.turn).collect();
//! assert_eq!(turns, [2, 1]);
//! # Ok::<(), memex_snapshots::Error>(())
//! ```

mod backend;
mod codec;
mod collection;
mod directory;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod id;
mod journaled;
mod lock;
mod mapping;
mod memory;
mod name;
mod plan;
mod put;
mod record;
mod remote;
mod retention;
mod saved;
mod session;
mod store;
mod trail;

pub use directory::{DirectoryStore, Durability};
pub use error::Error;
pub use id::{Digest, ParseIdError, SnapshotId};
pub use journaled::JournaledStore;
pub use lock::SessionLock;
pub use memory::MemoryStore;
pub use name::{SESSION_NAME_BYTES_MAX, check_session_name};
pub use record::{Record, RecordDraft};
pub use remote::{ImageObjects, ObjectStore, RegisterVersion, Registers};
pub use retention::{GRACE_DEFAULT, GcReport, Retention};
pub use saved::{CHUNK_BYTES_MAX, CHUNKS_MAX, HEAD_BYTES_MAX, Saved};
pub use session::SessionHead;
pub use store::SnapshotStore;
pub use trail::TRAIL_RECORDS_MAX;
