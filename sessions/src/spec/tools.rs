//! Which tools a session's code gets.

use std::path::PathBuf;

use memex_policies::{Access, SharedScratchGrant};
use serde::{Deserialize, Serialize};

/// The tools that the code gets. Naming one here grants it, unless the policy
/// denies it or its preset has no tools. Default of every field: none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolSources {
    /// Tool files: commands, HTTP endpoints, MCP servers, databases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
    /// Databases of the tool `sql`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sql: Vec<Database>,
    /// The directory of a memory of Markdown files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<PathBuf>,
    /// Whether the code may ask the user. The host says how.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ask_user: bool,
    /// Keys and values that sessions share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_scratch: Option<SharedScratch>,
    /// Where every call is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditFile>,
}

/// A database of the tool `sql`, read-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// What the code calls it.
    pub name: String,
    /// A SQLite file, or a directory of CSV, Parquet, Arrow and JSON lines
    /// files.
    pub path: PathBuf,
}

/// Keys and values that sessions share by their name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedScratch {
    /// The name.
    pub name: String,
    /// `read-only` or `read-write`. Default: `read-only`.
    #[serde(default, with = "super::access")]
    pub access: Access,
}

/// A file of one JSON object for each call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFile {
    /// The file; calls are appended.
    pub path: PathBuf,
    /// Whether what calls are given is recorded. Default: only its digest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub arguments: bool,
}

impl ToolSources {
    /// Whether no field is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether tools are named, which grants tools.
    pub(crate) fn names_tools(&self) -> bool {
        !self.files.is_empty() || !self.sql.is_empty() || self.memory.is_some()
    }
}

impl From<SharedScratchGrant> for SharedScratch {
    fn from(grant: SharedScratchGrant) -> Self {
        let SharedScratchGrant { name, access } = grant;
        Self { name, access }
    }
}

impl From<&SharedScratch> for SharedScratchGrant {
    fn from(shared: &SharedScratch) -> Self {
        Self {
            name: shared.name.clone(),
            access: shared.access,
        }
    }
}
