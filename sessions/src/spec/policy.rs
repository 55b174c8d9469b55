//! Where a session's policy comes from.

use memex_policies::Policy;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What the code may do: by name, or written out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a preset, a policy file, a list of them, or a policy as a table"
)]
pub enum PolicySource {
    /// A preset or a policy file.
    Named(String),
    /// A preset or a policy file, and policy files that narrow it, in order.
    /// None: the narrowest preset that permits the mounts.
    Files(Vec<String>),
    /// The tables of a policy file. Directories in it are relative to the
    /// process, as mounts are.
    Written(toml::Table),
}

impl Default for PolicySource {
    fn default() -> Self {
        Self::Files(Vec::new())
    }
}

impl PolicySource {
    /// A policy, written out.
    ///
    /// # Errors
    /// [`Error::Spec`], never for a valid policy.
    pub fn of(policy: &Policy) -> Result<Self, Error> {
        let table = policy.to_toml().parse().map_err(Error::spec)?;
        Ok(Self::Written(table))
    }

    /// Whether nothing is named and nothing written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Files(files) if files.is_empty())
    }
}

impl From<&str> for PolicySource {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

impl From<Vec<String>> for PolicySource {
    fn from(names: Vec<String>) -> Self {
        Self::Files(names)
    }
}
