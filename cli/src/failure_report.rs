//! Reporting failures: errors, panics, and arguments that cannot be parsed.

use crate::console::{complain, complain_styled, print_styled};
use crate::exit_code::ExitCode;
use crate::failure::{USAGE, status};
use crate::paint::Paint;
use memex_escapes as escapes;

/// Lets panics be told like everything else: their messages may quote something.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("without a name").to_owned();
        complain(&format!("error: the thread {thread} has {panic}"));
        complain("hint: this is a defect of memex: please report it with what led to it");
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            complain(&trace.to_string());
        }
    }));
}

/// Reports a failure and returns its exit status.
pub(crate) fn report(error: &anyhow::Error, paint: Paint) -> ExitCode {
    let status = status(error);
    let text = format!("{error:#}");
    // It may quote anyone, and colours are for the command to add.
    let (hints, lines): (Vec<_>, Vec<_>) = text
        .lines()
        .partition(|line| line.trim_start().starts_with("hint:"));
    for (index, line) in lines.iter().enumerate() {
        match index {
            0 => complain(&format!("{} {}", paint.bad("error:"), escapes::line(line))),
            _ => complain(&escapes::line(line)),
        }
    }
    let otherwise = match status {
        USAGE => "`memex help` and `memex help COMMAND` show what is accepted",
        _ => "`memex doctor` checks what this machine offers",
    };
    for hint in &hints {
        let hint = hint.trim_start().trim_start_matches("hint:").trim_start();
        complain(&format!("{} {}", paint.hint("hint:"), escapes::line(hint)));
    }
    if hints.is_empty() {
        complain(&format!("{} {otherwise}", paint.hint("hint:")));
    }
    ExitCode::from(status)
}

/// Prints the messages of the argument parser, help and version included. They quote
/// arguments.
pub(crate) fn usage_of(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        print_styled(&error.render());
        return ExitCode::SUCCESS;
    }
    complain_styled(&error.render());
    // The help that replaces a missing command is its own hint.
    if error.kind() != clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        complain("hint: `memex help` lists commands, `memex help COMMAND` gives examples");
    }
    ExitCode::from(USAGE)
}
