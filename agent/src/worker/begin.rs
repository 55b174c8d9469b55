//! The first frame to a session in a worker: everything that it is made of.

use std::path::PathBuf;

use memex_sessions::SessionSpec;
use serde::{Deserialize, Serialize};

/// The initial state of a session.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    /// Its origin; none for a fork, which has that of its parent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) origin: Option<Origin>,
    /// Code that runs first.
    pub(super) setup: String,
    /// The trajectory whose saved scope it takes.
    pub(super) path: Option<PathBuf>,
    /// Whether its code may fork it.
    pub(super) forks: bool,
}

/// What sessions are made of. Nothing else reaches a worker: it has no
/// environment, no options and no configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origin {
    /// The directory of guests, code and images.
    pub(crate) cache: PathBuf,
    /// The name of the processor that its code is for.
    pub(crate) cpu: String,
    /// The spec, pinned.
    pub(crate) spec: SessionSpec,
}
