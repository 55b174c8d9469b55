//! A program that cannot signal what it did not start, its supervisor among that.
//!
//! Landlock's signal scope (Linux 6.12 and later): a process that has restricted
//! itself, and all that it starts, sends signals to one another only, and traces
//! nothing outside. Nothing lifts the restriction again. It is applied by a process that
//! then becomes the program: a thread of the supervisor that applied it could be
//! met by the program, and the supervisor with it.

use super::CONFINED;
use std::ffi::OsString;
use std::io;
use std::process::Command;

/// Whether this system keeps programs that a supervisor starts from signalling
/// others. Where it does not, a program can kill or stop its supervisor.
#[must_use]
pub fn confines_signals() -> bool {
    system::can_confine()
}

/// A command that confines itself and becomes `program`. `prefix` are the
/// arguments with which this process's own program supervises.
pub(super) fn confining(prefix: &[OsString], program: &OsString) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(prefix).arg(CONFINED).arg(program);
    command
}

/// Becomes `program`, confined.
///
/// # Errors
/// If this process cannot be confined, or the program is not started. It returns
/// for no other reason.
pub(super) fn become_confined(
    program: &OsString,
    arguments: impl Iterator<Item = OsString>,
) -> io::Error {
    use std::os::unix::process::CommandExt;
    // Without the host's terminal: what the system signals for a terminal, it signals
    // whoever has it. A process that leads its group already keeps it.
    let _ = rustix::process::setsid();
    match system::confine() {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}

#[cfg(target_os = "linux")]
mod system {
    use landlock::{
        CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
        RulesetError, Scope,
    };
    use std::io;

    pub(super) fn can_confine() -> bool {
        ruleset().is_ok()
    }

    /// Restricts this thread: call it where it is the only one.
    pub(super) fn confine() -> io::Result<()> {
        let wrong = |error: RulesetError| {
            io::Error::other(format!("its signals cannot be confined: {error}"))
        };
        // Who may administer the system need not give up gaining privileges.
        let keeping = ruleset().and_then(|set| set.no_new_privs(false).restrict_self());
        match keeping {
            Ok(_) => Ok(()),
            Err(_) => {
                let set = ruleset().map_err(wrong)?;
                set.restrict_self().map_err(wrong).map(drop)
            }
        }
    }

    fn ruleset() -> Result<RulesetCreated, RulesetError> {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .scope(Scope::Signal)?
            .create()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    pub(super) fn can_confine() -> bool {
        false
    }

    pub(super) fn confine() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
