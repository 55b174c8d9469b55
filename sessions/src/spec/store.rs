//! Where a session is saved.

use serde::{Deserialize, Serialize};

/// A saved session: its name, in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSource {
    /// The name of the session. It is continued if the store has it, and saved
    /// after every turn.
    pub session: String,
    /// A directory, or an `s3://BUCKET/PREFIX`. Default: `sessions` in the
    /// host's data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whether random generators get fresh state whenever the session is
    /// continued. Default: they go on where the last turn left them, as
    /// everything else does. A fork draws numbers of its own either way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh_generators: bool,
}
