//! The command `memex`, in this process: what the package's console script calls.

use std::ffi::OsString;
use std::path::PathBuf;

use memex_cli::{Installation, run};
use pyo3::prelude::*;

/// Runs the command to its end, with the streams and signals of this process; returns the
/// exit status. `interpreter` and `prefix` start it again, in other processes; the
/// guest's package, if there is one, is in `guest_package`.
#[pyfunction]
pub(crate) fn command(
    py: Python<'_>,
    arguments: Vec<OsString>,
    interpreter: PathBuf,
    prefix: Vec<OsString>,
    guest_package: Option<PathBuf>,
) -> u8 {
    let installation = Installation::interpreted(interpreter, prefix).guest_package(guest_package);
    py.detach(|| run(arguments, installation))
}
