//! Writing to the two streams: filtering for terminals, and closed streams.
//!
//! Everything that the command says goes through here, so that nothing reaches a
//! terminal that [`escapes`](memex_escapes) has not looked at, whatever it
//! quotes. Pipes and files get it as it is.

use crate::failure::{HOST_FAULT, PIPE_CLOSED};
use crate::paint::ColorChoice;
use clap::builder::StyledStr;
use memex_escapes::said;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// How text is written to a stream.
fn told<'a>(text: &'a str, stream: &impl IsTerminal) -> Cow<'a, str> {
    match stream.is_terminal() {
        true => Cow::Owned(said(text)),
        false => Cow::Borrowed(text),
    }
}

/// Writes a text to standard output, at once.
pub(crate) fn print(text: impl AsRef<str>) {
    print_passed(told(text.as_ref(), &io::stdout()).as_bytes());
}

/// Writes to standard output, at once, what a filter has passed on, or what
/// is for no terminal.
pub(crate) fn print_passed(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        drop(stdout);
        give_up(&error);
    }
}

/// Hands on what standard output still holds. A reader that is gone has no use for it.
pub(crate) fn flush() {
    let _gone = io::stdout().flush();
}

/// Writes a line to standard output.
pub(crate) fn print_line(text: &str) {
    print(format!("{text}\n"));
}

/// Writes a line to standard error. A failure of that cannot be reported.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", told(text, &io::stderr()));
}

/// Writes to standard output what the argument parser says.
pub(crate) fn print_styled(text: &StyledStr) {
    print(styled(text, &io::stdout()));
}

/// Writes to standard error what the argument parser says.
pub(crate) fn complain_styled(text: &StyledStr) {
    complain(styled(text, &io::stderr()).trim_end_matches('\n'));
}

fn styled(text: &StyledStr, stream: &impl IsTerminal) -> String {
    match ColorChoice::Auto.colors(stream.is_terminal()) {
        true => text.ansi().to_string(),
        false => text.to_string(),
    }
}

/// Writes what a filter has passed on to standard error.
pub(crate) fn complain_passed(bytes: &[u8]) {
    let _ = io::stderr().write_all(bytes);
}

/// Writes the beginning of a line that someone is to end.
pub(crate) fn ask(text: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{}", told(text, &io::stderr())).and_then(|()| stderr.flush());
}

/// Ends the process: standard output cannot be written. Quietly where its
/// reader has gone.
pub(crate) fn give_up(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(i32::from(PIPE_CLOSED));
    }
    complain(&format!("error: cannot write to standard output: {error}"));
    complain("hint: check the disk or the program that reads the output");
    std::process::exit(i32::from(HOST_FAULT));
}

/// Writes a file atomically: readers find the old content or all of the new
/// content.
pub(crate) fn write_whole(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}.new", std::process::id()));
    let fresh = std::path::PathBuf::from(fresh);
    // Of a process that was killed. A link of that name is removed, and not
    // written through.
    let _gone = std::fs::remove_file(&fresh);
    let written = std::fs::File::create_new(&fresh)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&fresh, path));
    if written.is_err() {
        // The partial file is useless; it may not exist at all.
        let _gone = std::fs::remove_file(&fresh);
    }
    written
}
