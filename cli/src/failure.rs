//! Failures of the command: exit statuses, and what the caller can put right.

use std::fmt;
use std::io;
use std::path::Path;

/// An exception, a limit or a refusal in some turn; a check that failed.
pub(crate) const TURN_FAILED: u8 = 1;
/// Arguments, or files named by them, that cannot be used.
pub(crate) const USAGE: u8 = 2;
/// A fault on this side of the sandbox.
pub(crate) const HOST_FAULT: u8 = 3;
/// Ctrl-C while no turn ran, as shells count it.
pub(crate) const INTERRUPTED: u8 = 130;
/// The reader of standard output has gone, as shells count it.
pub(crate) const PIPE_CLOSED: u8 = 141;

/// Something that the caller of the command can put right.
#[derive(Debug)]
pub(crate) struct Usage {
    message: String,
    hint: String,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Usage {}

/// A failure of usage, with its remedy.
pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    Usage {
        message: message.into(),
        hint: hint.into(),
    }
    .into()
}

/// A failure of usage whose text has its hint, if it has one, already.
pub(crate) fn usage_as_told(told: impl fmt::Display) -> anyhow::Error {
    usage(told.to_string(), "")
}

/// Whether the place that the caller named is the reason for the error, rather
/// than what became of the disk.
pub(crate) fn is_of_the_place(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::AlreadyExists
            | ErrorKind::InvalidData
            | ErrorKind::InvalidFilename
            | ErrorKind::InvalidInput
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
    )
}

/// What a file or directory that the caller named fails with.
pub(crate) fn at_place(path: &Path, error: io::Error, hint: &str) -> anyhow::Error {
    match is_of_the_place(&error) {
        true => usage(format!("{}: {error}", path.display()), hint),
        false => anyhow::Error::new(error).context(path.display().to_string()),
    }
}

/// Makes a directory that the caller named, with those above it.
pub(crate) fn make_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path)
        .map_err(|error| at_place(path, error, "name a directory that you can write"))
}

/// The exit status of a failure.
pub(crate) fn status(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<Usage>().is_some() {
        return USAGE;
    }
    if let Some(memex_agent::Error::Cancelled) = error.downcast_ref() {
        return INTERRUPTED;
    }
    if let Some(error) = error.downcast_ref::<memex_snapshots::Error>() {
        return status_of_store(error);
    }
    match error.downcast_ref::<memex_runtime::Error>() {
        // What a policy or `--mount` names is not there.
        Some(
            memex_runtime::Error::Grant { .. }
            | memex_runtime::Error::Files(_)
            | memex_runtime::Error::NoPackages { .. }
            | memex_runtime::Error::NoImage { .. }
            | memex_runtime::Error::ManyImages { .. }
            | memex_runtime::Error::NoFittingImage { .. }
            | memex_runtime::Error::OtherImage { .. }
            | memex_runtime::Error::Secret { .. }
            | memex_runtime::Error::Cpu { .. }
            | memex_runtime::Error::UnknownCpu { .. }
            | memex_runtime::Error::ImageTooLarge { .. },
        ) => USAGE,
        Some(memex_runtime::Error::Guest(error)) if error.is_about_packages() => USAGE,
        _ => HOST_FAULT,
    }
}

/// Names and places that the caller gave, against what became of a store.
fn status_of_store(error: &memex_snapshots::Error) -> u8 {
    use memex_snapshots::Error;
    match error {
        Error::Name { .. }
        | Error::NoSession { .. }
        | Error::NotAStore { .. }
        | Error::Url { .. } => USAGE,
        _ => HOST_FAULT,
    }
}
