//! Where states of sandboxes go.

use std::path::Path;
use std::sync::Arc;

use memex_sessions::{Host, open_store};
use memex_snapshots::{Durability, JournaledStore, SnapshotStore};

use super::options::ServiceOptions;
use crate::error::ServiceError;
use crate::ledger::Folder;

/// The store, as it is used for turns that survive the process, and a loss of power.
pub(super) struct Stores {
    pub(super) store: Arc<dyn SnapshotStore>,
    pub(super) durable: Arc<dyn SnapshotStore>,
    /// Whether it is on this machine.
    pub(super) is_local: bool,
}

pub(super) fn stores(
    options: &ServiceOptions,
    folder: &Folder,
    data: &Path,
    host: &Host,
) -> Result<Stores, ServiceError> {
    let failed = |error: &dyn std::error::Error| {
        ServiceError::internal(format!("cannot open the store: {error}"))
    };
    let place = match &options.store {
        Some(place) if place.contains("://") => {
            let store = open_store(Some(place), host).map_err(|error| failed(&error))?;
            return Ok(Stores {
                durable: Arc::clone(&store),
                store,
                is_local: false,
            });
        }
        Some(place) => Path::new(place).to_owned(),
        None => data.join("store"),
    };
    let store = JournaledStore::open(Arc::clone(folder.journal()), &place);
    let store = store.map_err(|error| failed(&error))?;
    Ok(Stores {
        durable: Arc::new(store.with_durability(Durability::Fsync)),
        store: Arc::new(store),
        is_local: true,
    })
}
