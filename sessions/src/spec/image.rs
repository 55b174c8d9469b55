//! What a session starts from.

use serde::{Deserialize, Serialize};

/// The image: one that is there, by its key, or the standard one with more in
/// it. Default: the standard one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageSource {
    /// The key of an image in the cache, or its beginning; nothing else may be
    /// given with it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Modules that it has imported besides the standard ones. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preload: Vec<String>,
    /// Pure-Python packages that it has besides its own, each as
    /// `NAME==VERSION`. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

impl ImageSource {
    /// Whether it is the standard image.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        *self == Self::default()
    }
}
