//! The options that name a store.

use crate::context::Context;
use crate::failure::{usage, usage_as_told};
use anyhow::Result;
use clap::Args;
use memex_snapshots::{DirectoryStore, ObjectStore, SnapshotStore};
use std::sync::Arc;

/// Where saved sessions are kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreArguments {
    /// Directory (or s3://BUCKET/PREFIX) of saved sessions [default: in the data directory]
    #[arg(
        long,
        value_name = "DIR|URL",
        env = "MEMEX_STORE",
        help_heading = "Saved sessions"
    )]
    store: Option<String>,
}

impl StoreArguments {
    /// Opens the store, making the directory when it is not there.
    pub(crate) fn open(&self, context: &Context) -> Result<Arc<dyn SnapshotStore>> {
        let place = match &self.store {
            Some(place) => place.clone(),
            None => {
                let directory = context.data_directory().ok_or_else(|| {
                    usage(
                        "there is no data directory to keep sessions in",
                        "name a store with --store DIR",
                    )
                })?;
                directory.join("sessions").to_string_lossy().into_owned()
            }
        };
        if place.contains("://") {
            let store =
                ObjectStore::open_with(&place, service_variables()).map_err(usage_as_told)?;
            return Ok(Arc::new(store));
        }
        Ok(Arc::new(DirectoryStore::open(place)?))
    }
}

/// What services want to know of credentials and endpoints stands in these
/// variables by convention.
pub(crate) fn service_variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(name, _)| name.starts_with("AWS_"))
}
