//! Where this command is installed: how processes start that run it again, and what
//! lies beside it.

use memex_external::Supervisor;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The program that runs, under any name and also once its file was replaced.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// The word that makes this command a supervisor. It is no command for people,
/// and is looked for before arguments are parsed: it precedes every tool call.
pub(crate) const SUPERVISE: &str = "supervise";

/// Where this command is installed.
///
/// Agents run in workers, processes of tools have supervisors, and a bench times the
/// start: all these are this command again, in other processes.
#[derive(Debug, Clone, Default)]
pub struct Installation {
    program: Option<PathBuf>,
    prefix: Vec<OsString>,
    guest_package: Option<PathBuf>,
}

impl Installation {
    /// The command is this process's program, which takes its arguments.
    #[must_use]
    pub fn own() -> Self {
        Self::default()
    }

    /// The command is a program that takes its arguments after these: an interpreter, and
    /// what makes it run the command.
    #[must_use]
    pub fn interpreted(
        program: impl Into<PathBuf>,
        prefix: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        Self {
            program: Some(program.into()),
            prefix: prefix.into_iter().map(Into::into).collect(),
            guest_package: None,
        }
    }

    /// A directory in which the package of the guest is installed. Default: none, and the
    /// guest is fetched.
    #[must_use]
    pub fn guest_package(mut self, directory: Option<PathBuf>) -> Self {
        self.guest_package = directory;
        self
    }

    /// The program that runs this command, and its arguments.
    ///
    /// # Errors
    /// If the system does not tell this process's program.
    pub fn command(
        &self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> io::Result<(PathBuf, Vec<OsString>)> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let prefix = self.prefix.iter().cloned();
        let arguments = arguments.into_iter().map(Into::into);
        Ok((program, prefix.chain(arguments).collect()))
    }

    /// How this command starts as the supervisor of a tool's process; `None` if the system
    /// does not tell this process's program.
    #[must_use]
    pub fn supervisor(&self) -> Option<Supervisor> {
        let (named, arguments) = self.command([SUPERVISE]).ok()?;
        let is_own = self.program.is_none() && Path::new(OWN_PROGRAM).exists();
        let program = match is_own {
            true => PathBuf::from(OWN_PROGRAM),
            false => named,
        };
        Some(Supervisor { program, arguments })
    }

    pub(crate) fn guest(&self) -> Option<&Path> {
        self.guest_package.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_gets_its_own_arguments_before_those_of_the_command() {
        let installed = Installation::interpreted("/opt/python3", ["-m", "memex"]);
        let (program, arguments) = installed.command(["agent", "worker"]).unwrap();
        assert_eq!(program, Path::new("/opt/python3"));
        assert_eq!(arguments, ["-m", "memex", "agent", "worker"]);
        let supervisor = installed.supervisor().unwrap();
        assert_eq!(supervisor.program, Path::new("/opt/python3"));
        assert_eq!(supervisor.arguments, ["-m", "memex", "supervise"]);
    }

    #[test]
    fn a_program_of_its_own_is_found_by_the_process() {
        let (program, arguments) = Installation::own().command(["run"]).unwrap();
        assert_eq!(program, std::env::current_exe().unwrap());
        assert_eq!(arguments, ["run"]);
        let supervisor = Installation::own().supervisor().unwrap();
        assert_eq!(supervisor.arguments, ["supervise"]);
    }
}
