//! The command that starts a worker.

use std::ffi::OsString;
use std::path::PathBuf;

/// How a worker is started: a program that calls [`serve`](crate::serve). Its
/// environment is empty.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// All its arguments.
    pub arguments: Vec<OsString>,
}
