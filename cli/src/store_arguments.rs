//! The options that name a store.

use crate::context::Context;
use crate::refusals::refusal;
use anyhow::Result;
use clap::Args;
use memex_sessions::open_store;
use memex_snapshots::SnapshotStore;
use std::sync::Arc;

/// The place of saved sessions.
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
    /// Where they are kept, if it was said.
    pub(crate) fn place(&self) -> Option<&str> {
        self.store.as_deref()
    }

    /// Opens the store, making the directory when it is not there.
    pub(crate) fn open(&self, context: &Context) -> Result<Arc<dyn SnapshotStore>> {
        open_store(self.place(), context.host()).map_err(refusal)
    }
}
