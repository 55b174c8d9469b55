//! This command as the supervisor of what it starts.

use crate::console::complain;
use crate::exit_code::ExitCode;
use crate::installation::SUPERVISE;
use memex_external::{NOT_STARTED_EXIT_STATUS, supervise};
use std::ffi::OsString;

/// Supervises, if that is what this process was started for.
pub(crate) fn if_asked(arguments: &[OsString]) -> Option<ExitCode> {
    let (first, rest) = arguments.split_first()?;
    if first != SUPERVISE {
        return None;
    }
    let status = supervise(rest.iter().cloned()).unwrap_or_else(|error| {
        // The host reads it as the program's log.
        complain(&error.to_string());
        NOT_STARTED_EXIT_STATUS
    });
    Some(ExitCode::from(status))
}
