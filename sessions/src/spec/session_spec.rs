//! The spec itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use memex_policies::Access;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::image::ImageSource;
use super::policy::PolicySource;
use super::store::StoreSource;
use super::tools::ToolSources;

/// The version of specs that this build reads and writes.
pub const SPEC_VERSION: u64 = 1;

/// Everything that makes a session.
///
/// Only `version` has to be given; the default of each other field is told at
/// it. Unknown fields are refused, at every depth: a setting that is ignored is
/// worse than none. Relative paths are relative to the directory of the process
/// that opens the session; [`Resolved::pinned`](crate::Resolved::pinned) makes them absolute.
///
/// A spec is configuration: it names files and directories of the host. Who
/// takes specs from strangers decides which fields they may set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct SessionSpec {
    /// [`SPEC_VERSION`].
    pub version: u64,
    /// What the code may do. Default: the narrowest preset that permits
    /// `mounts`, which without any is `compute`.
    #[serde(skip_serializing_if = "PolicySource::is_empty")]
    pub policy: PolicySource,
    /// Directories of the host that the code sees besides the policy's.
    /// Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Limits that are set over the policy's, by name. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, LimitValue>,
    /// Environment variables of the guest besides the policy's. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// What the session starts from. Default: the image that it was saved on, or
    /// the host's.
    #[serde(skip_serializing_if = "ImageSource::is_default")]
    pub image: ImageSource,
    /// The tools that the code gets. Default: none.
    #[serde(skip_serializing_if = "ToolSources::is_empty")]
    pub tools: ToolSources,
    /// Where the session is saved, and continued from. Default: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreSource>,
    /// Values that the code finds under these names: JSON-like ones. Default:
    /// none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Value>,
}

/// A directory of the host that the code sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// The directory on the host.
    pub host: PathBuf,
    /// Where the guest sees it: an absolute path.
    pub guest: String,
    /// `read-only` or `read-write`. Default: `read-only`.
    #[serde(default, with = "super::access")]
    pub access: Access,
}

/// A limit: a number in the limit's own unit, or a text such as `"2s"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or a text such as \"2s\"")]
pub enum LimitValue {
    /// In the unit of the limit's name.
    Number(u64),
    /// With a unit.
    Text(String),
}

impl From<u64> for LimitValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for LimitValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for LimitValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Default for SessionSpec {
    fn default() -> Self {
        Self {
            version: SPEC_VERSION,
            policy: PolicySource::default(),
            mounts: Vec::new(),
            limits: BTreeMap::new(),
            environment: BTreeMap::new(),
            image: ImageSource::default(),
            tools: ToolSources::default(),
            store: None,
            inputs: BTreeMap::new(),
        }
    }
}
