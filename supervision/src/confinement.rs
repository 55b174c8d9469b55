//! A program that cannot signal what it did not start, its supervisor among that.
//!
//! Landlock's signal scope (Linux 6.12 and later): a process that has restricted
//! itself, and all that it starts, sends signals to one another only, and traces
//! nothing outside. Nothing lifts the restriction again. Domains lie within one another:
//! from an outer one signals reach the inner ones.
//!
//! A supervisor is in a domain that the host has made for it, the program in one within.
//! That one is applied by a process that then becomes the program: a thread of the
//! supervisor that applied it could be met by the program, and the supervisor with it.

use super::supervisor::CONFINED;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getppid, kill_process_group, test_kill_process};
use std::ffi::OsString;
use std::io;
use std::marker::PhantomData;
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
    match Confined::here() {
        Ok(_) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}

fn not_confined() -> io::Error {
    io::Error::other("its signals are not confined")
}

/// The calling thread is confined. It holds for that thread alone.
pub(super) struct Confined(PhantomData<*const ()>);

impl Confined {
    /// Confines the calling thread, and what it starts from now on.
    ///
    /// # Errors
    /// If the system does not do so.
    pub(super) fn here() -> io::Result<Self> {
        system::confine()?;
        match getppid() {
            Some(parent) => Self::apart_from(parent),
            None => Ok(Self(PhantomData)),
        }
    }

    /// If this thread was in a domain from its beginning, and `outside`, which it could
    /// signal otherwise, is not in it.
    ///
    /// # Errors
    /// If it can be signalled, or is not there.
    pub(super) fn apart_from(outside: Pid) -> io::Result<Self> {
        match test_kill_process(outside) {
            Err(Errno::PERM) => Ok(Self(PhantomData)),
            _ => Err(not_confined()),
        }
    }

    /// Kills all in this thread's domain but this process.
    ///
    /// The signal goes to all that may be signalled. The kernel goes through them under the
    /// lock under which it adds processes, and adds none of a parent that is to die: what
    /// starts others without a pause is met too. A list of processes would be out of date.
    pub(super) fn end_all(&self) {
        // With this number, the call means no group, but all processes. That there are
        // none is no failure.
        let _ = kill_process_group(Pid::INIT, Signal::KILL);
    }
}

#[cfg(target_os = "linux")]
mod system {
    use landlock::{
        CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
        RulesetError, RulesetStatus, Scope,
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
        let confined = match keeping {
            Ok(confined) => confined,
            Err(_) => ruleset()
                .and_then(RulesetCreated::restrict_self)
                .map_err(wrong)?,
        };
        match confined.ruleset {
            RulesetStatus::FullyEnforced => Ok(()),
            _ => Err(super::not_confined()),
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
