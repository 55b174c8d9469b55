//! How a program is started below a supervisor.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The word before a program that is to be confined, and behind the host's number
/// before one whose supervisor is to confine it.
pub(super) const CONFINED: &str = "confined";
/// The word behind the host's number before a program that is not confined.
pub(super) const UNCONFINED: &str = "unconfined";

/// How the host starts a supervisor: a program that calls [`supervise`](crate::supervise) with the
/// arguments that come after these.
#[derive(Debug, Clone)]
pub struct Supervisor {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
}

impl Supervisor {
    /// A command that starts `program` below a supervisor.
    #[must_use]
    pub fn command(&self, program: &Path, is_confined: bool) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(std::process::id().to_string());
        match is_confined {
            // A supervisor confines a program by starting itself once more.
            true => command
                .arg(CONFINED)
                .arg(self.arguments.len().to_string())
                .args(&self.arguments),
            false => command.arg(UNCONFINED),
        };
        command.arg(program);
        command
    }
}
