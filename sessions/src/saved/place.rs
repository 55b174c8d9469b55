//! Finding a store.

use std::sync::Arc;

use memex_runtime::Generators;
use memex_snapshots::{DirectoryStore, ObjectStore, SnapshotStore};

use super::history::SavedSession;
use crate::error::Error;
use crate::host::Host;
use crate::resolved::Resolved;

/// Opens a store: a directory, which is made when it is not there, or a URL
/// such as `s3://BUCKET/PREFIX`. Without a place, that of the host.
///
/// # Errors
/// [`Error::NoStoreDirectory`], [`Error::StorePlace`] for a URL that cannot be used,
/// [`Error::Store`].
pub fn open_store(place: Option<&str>, host: &Host) -> Result<Arc<dyn SnapshotStore>, Error> {
    let Some(place) = place else {
        let directory = host.data().ok_or(Error::NoStoreDirectory)?.join("sessions");
        return Ok(Arc::new(DirectoryStore::open(directory)?));
    };
    if place.contains("://") {
        let variables = host.store_variables.clone();
        let store =
            ObjectStore::open_on(place, variables, &host.runtime()?).map_err(Error::StorePlace)?;
        return Ok(Arc::new(store));
    }
    let store = DirectoryStore::open(place).map_err(|error| match error {
        // A place that was named, and cannot be one.
        memex_snapshots::Error::Io { .. } | memex_snapshots::Error::ReadOnly { .. } => {
            Error::StorePlace(error)
        }
        error => Error::Store(error),
    })?;
    Ok(Arc::new(store))
}

impl Resolved {
    /// The saved session of the spec, locked; `None` if it is not to be saved.
    ///
    /// # Errors
    /// As [`open_store`], and [`Error::Store`] when another process has it.
    pub fn saved(&self, host: &Host) -> Result<Option<SavedSession>, Error> {
        let Some(source) = &self.spec().store else {
            return Ok(None);
        };
        let generators = match source.fresh_generators {
            true => Generators::Fresh,
            false => Generators::Keep,
        };
        let store = open_store(source.place.as_deref(), host)?;
        SavedSession::open(store, &source.session, generators).map(Some)
    }
}
