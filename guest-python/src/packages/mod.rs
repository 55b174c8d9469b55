//! Pure-Python packages that are added to an image.
//!
//! ```text
//! NAME==VERSION ─► pip resolves and downloads ─► wheels ─► files of a folder
//!                    ▲ stubs stand for what
//!                      the guest has already
//! ```
//! The guest is told of the folder at [`PACKAGES_GUEST_PATH`], behind its own
//! library: what a package brings never takes the place of the guest's own.

mod bundled;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod requirement;
mod resolve;
mod unpack;
mod wheel;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use requirement::Requirement;
pub use resolve::resolve_packages;
pub use unpack::{compare_packages, unpack_packages};

use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::fetch::store;

/// The path of the folder in the guest.
pub const PACKAGES_GUEST_PATH: &str = "/usr/local/lib/packages";

/// Most wheels of one image, dependencies included.
const WHEELS_MAX: usize = 200;
/// Most bytes that are downloaded, copies of the package client included.
const DOWNLOAD_MAX_BYTES: u64 = 512 << 20;
/// Most files of all wheels.
const FILES_MAX: usize = 20_000;
/// Most bytes of all files.
const UNPACKED_MAX_BYTES: u64 = 512 << 20;

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

/// Checks what is cheap: that the folder holds as many files and bytes as were
/// unpacked, and that only this user and root can have written them.
///
/// # Errors
/// [`Error::Altered`] or [`Error::Untrusted`].
pub fn check_packages(folder: &Path, expected: Unpacked) -> Result<(), Error> {
    let (files, bytes) = store::measure(folder, expected.files)?;
    if (Unpacked { files, bytes }) != expected {
        return Err(Error::Altered {
            path: folder.to_owned(),
            reason: "it does not hold the files of its wheels",
        });
    }
    Ok(())
}
