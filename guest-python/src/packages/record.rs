//! What is kept of packages: their wheels, and how many files those hold.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;

/// One wheel, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// The package's name, in lower case with `-` between words.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name of the file.
    pub file: String,
    /// The file's digest.
    pub sha256: Sha256Digest,
}

/// Files that were unpacked from wheels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Unpacked {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}
