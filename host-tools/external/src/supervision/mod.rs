//! A process between the host and a tool's process, which ends with the host
//! however the host ends, and what the host does when that process is disturbed.
//!
//! ```text
//!         ┌ domain ──────────────────────────────────────────────┐
//!  host ──┼─► supervisor ──► ┌ domain ──────────────────────────┐│
//!   ▲  │  │      │  ▲        │ program ──► whatever it starts   ││
//!   └──┼─watched─┘  └─ ✗ ────┼───┘  no signal leads out of it   ││
//!      │  │      │           └──────────────────────────────────┘│
//!      │  └──────┼───────────────────────────────────────────────┘
//!      │         └► the program has ended, the host is gone, or it asks for the
//!      │            end (`SIGTERM`): the supervisor kills all in its domain
//!      └► the supervisor does not come to its end, or was killed: a thread of the
//!         host that is in the outer domain kills all in it
//! ```
//! A host that is killed runs no code, so that another process has to notice. The
//! supervisor holds a handle of the host's process, which no other can take the
//! number of. On Linux it is also the one to which the system gives processes that
//! have lost their parent: those that left their process group or their session
//! too. Elsewhere only the group is ended.
//!
//! The program has the user of its supervisor, and could kill or stop it. Where
//! the kernel confines signals ([`confines_signals`]), it cannot, and one call ends all that
//! is in a domain at once ([`domain`]).
//!
//! Elsewhere, and for programs that are not to be confined, a supervisor kills its children
//! one by one ([`ending`]). The host acts as the supervisor of what is below one that is
//! stopped, and finds what one that was killed has left by a mark in the environment
//! ([`clearing`]). What starts others and ends without a pause may outrun all this once it has left
//! the supervisor's group.

pub(crate) mod clearing;
mod confinement;
pub(crate) mod domain;
mod ending;
mod processes;
mod supervise;

pub use confinement::confines_signals;
pub use supervise::{NOT_STARTED_EXIT_STATUS, supervise};

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The word before a program that is to be confined, and behind the host's number
/// before one whose supervisor is to confine it.
const CONFINED: &str = "confined";
/// The word behind the host's number before a program that is not confined.
const UNCONFINED: &str = "unconfined";

/// How the host starts a supervisor: a program that calls [`supervise`] with the
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
    pub(crate) fn command(&self, program: &Path, is_confined: bool) -> Command {
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
