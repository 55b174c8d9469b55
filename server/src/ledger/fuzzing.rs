//! Files of the data directory, for the fuzz target.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::folder::KeptTurn;
use super::profile::Profile;
use super::record::{Record, SnapshotRecord, WaitingRecord};

/// Reads bytes as each kind of file there is; what is read is written as it is read.
///
/// # Errors
/// Names the kind of file for which that is not so.
pub fn check_record(bytes: &[u8]) -> Result<(), &'static str> {
    let profile = Profile::read(bytes);
    if profile.is_err_and(|reason| reason.is_empty()) {
        return Err("profile");
    }
    let kinds = [
        ("record", keeps::<Record>(bytes)),
        ("snapshot", keeps::<SnapshotRecord>(bytes)),
        ("waiting", keeps::<WaitingRecord>(bytes)),
        ("turn", keeps::<KeptTurn>(bytes)),
    ];
    match kinds.into_iter().find(|(_, keeps)| !keeps) {
        Some((kind, _)) => Err(kind),
        None => Ok(()),
    }
}

fn keeps<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else {
        return true;
    };
    let Ok(written) = serde_json::to_vec(&read) else {
        return false;
    };
    let again = serde_json::from_slice::<T>(&written).ok();
    again.and_then(|again| serde_json::to_vec(&again).ok()) == Some(written)
}
