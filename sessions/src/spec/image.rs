//! What a session starts from.

use serde::{Deserialize, Serialize};

/// The image: one that is there, by its name, or the standard one with more in
/// it. Default: that of the saved session that is continued; without one, the
/// standard one with what the host has in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageSource {
    /// The name of an image in the cache, or its beginning; nothing else may be
    /// given with it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Modules that it has imported besides the standard ones. Default: those of
    /// the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preload: Vec<String>,
    /// Pure-Python packages that it has besides its own, each as
    /// `NAME==VERSION`. Default: those of the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

impl ImageSource {
    /// Whether no image is asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
