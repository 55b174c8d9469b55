//! The command, from its arguments to its exit status.

use crate::arguments::{Arguments, NAME};
use crate::console::flush;
use crate::context::{Context, STACK_BYTES, early_paint};
use crate::exit_code::ExitCode;
use crate::failure::HOST_FAULT;
use crate::failure_report::{report, tell_panics, usage_of};
use crate::installation::Installation;
use crate::paint::Paint;
use crate::supervising;
use clap::CommandFactory;
use std::ffi::OsString;
use std::thread;

/// Runs the command with the arguments that follow its name, and returns its exit status.
///
/// It uses the standard streams, the environment and the signals of the process, and ends
/// the process itself where nothing is left to be done: at Ctrl-C outside of a turn, or once
/// nobody reads its output. Call it once.
pub fn run(arguments: impl IntoIterator<Item = OsString>, installation: Installation) -> u8 {
    tell_panics();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let done = supervising::if_asked(&arguments).unwrap_or_else(|| whole(arguments, installation));
    flush();
    done.number()
}

fn whole(arguments: Vec<OsString>, installation: Installation) -> ExitCode {
    let arguments = match Arguments::of(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage_of(&error),
    };
    let work = thread::Builder::new()
        .name(NAME.into())
        .stack_size(STACK_BYTES)
        .spawn(move || execute(&arguments, installation));
    match work.map(thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic's own message is on stderr already.
        Ok(Err(_)) => ExitCode::from(HOST_FAULT),
        Err(error) => {
            let error = anyhow::Error::new(error).context("cannot start a thread");
            report(&error, Paint::plain())
        }
    }
}

/// Runs the command and reports its failure, if any.
fn execute(arguments: &Arguments, installation: Installation) -> ExitCode {
    let context = match Context::new(&arguments.global, installation) {
        Ok(context) => context,
        Err(error) => return report(&error, early_paint(&arguments.global)),
    };
    let done = arguments.command.execute(&context, Arguments::command);
    done.unwrap_or_else(|error| report(&error, context.err.paint))
}
