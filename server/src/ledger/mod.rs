//! What is kept of sandboxes outside of the store of snapshots: small files in the data
//! directory, read when the server starts.

mod folder;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod profile;
mod record;

pub(crate) use folder::{Folder, KeptTurn};
pub(crate) use profile::Profile;
pub(crate) use record::{Lifetime, Record, SnapshotRecord, VERSION, WaitingRecord};
