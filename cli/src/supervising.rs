//! This program as the supervisor of what it starts.

use crate::console::complain;
use memex_external::{NOT_STARTED_EXIT_STATUS, Supervisor, supervise};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The word that makes this program a supervisor. It is no command for people,
/// and is looked for before arguments are parsed: it precedes every tool call.
const WORD: &str = "supervise";

/// The program that runs, under any name and also once its file was replaced.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// How this program starts as a supervisor.
pub(crate) fn supervisor() -> Option<Supervisor> {
    let program = match Path::new(OWN_PROGRAM).exists() {
        true => PathBuf::from(OWN_PROGRAM),
        false => std::env::current_exe().ok()?,
    };
    Some(Supervisor {
        program,
        arguments: vec![OsString::from(WORD)],
    })
}

/// Supervises, if that is what this process was started for.
pub(crate) fn if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != WORD {
        return None;
    }
    let status = supervise(arguments).unwrap_or_else(|error| {
        // The host reads it as the program's log.
        complain(&error.to_string());
        NOT_STARTED_EXIT_STATUS
    });
    Some(ExitCode::from(status))
}
