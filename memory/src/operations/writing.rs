//! `create_file`, `update_file`, `delete_file` and `create_dir`.

use rustix::fs::{Access, AtFlags, FileType, accessat};

use super::raised::Raised;
use crate::place::{Last, Place};
use crate::transaction::Transaction;
use crate::{Author, Error, Memory, files};

/// How much of what was looked for a message repeats.
const SHOWN_CHARS: usize = 50;

/// The answer of `update_file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// `Ok` is Python's `True`; an error is the string that is answered.
    pub result: Result<(), String>,
    /// What would be printed, if the mode shows warnings.
    pub warning: Option<String>,
}

/// Why an update did not happen.
enum Refusal {
    Missing,
    NotAFile,
    NotFound,
    Unchanged,
    Other(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Memory {
    /// `create_file`: writes a file with the directories above it, whatever
    /// stood there.
    ///
    /// # Errors
    /// What the guest sees as an exception; the file is as it was.
    pub fn create_file(
        &self,
        author: Author<'_>,
        file_path: &str,
        content: &str,
    ) -> Result<bool, Raised> {
        let raised = |error| match self.explained(error) {
            Error::TooLarge { .. } => format!("File {file_path} is too large to create"),
            error => error.to_string(),
        };
        let written = match content.len() as u64 > self.limits().file_bytes_max {
            true => Err(format!("File {file_path} is too large to create")),
            false => self
                .write(author, file_path, content.as_bytes())
                .map_err(raised),
        };
        match written {
            Ok(()) => Ok(true),
            Err(why) => {
                let message = format!("Error creating file {file_path}: {why}");
                Err(Raised::new("Exception", message))
            }
        }
    }

    /// `update_file`: replaces the first occurrence of a text in a file.
    #[must_use]
    pub fn update_file(
        &self,
        author: Author<'_>,
        file_path: &str,
        old_content: &str,
        new_content: &str,
    ) -> Updated {
        let mut occurrences = 0;
        let updated = self
            .updatable(file_path)
            .map_err(Refusal::from)
            .and_then(|found| {
                found?;
                let mut refusal = None;
                let changed = self.change(author, |transaction| {
                    match updated(transaction, file_path, old_content, new_content) {
                        Ok(count) => occurrences = count,
                        Err(why) => refusal = Some(why),
                    }
                    Ok(())
                });
                changed?;
                refusal.map_or(Ok(()), Err)
            });
        let warns = self.is_extended() && occurrences > 1;
        Updated {
            result: updated.map_err(|why| self.words(file_path, old_content, why)),
            warning: warns.then(|| {
                format!(
                    "Warning: Found {occurrences} occurrences of the content. Replacing only the first one."
                )
            }),
        }
    }

    /// Whether a file stands there; asked before anything is locked, so that a
    /// wrong path is answered even in a memory that cannot be written.
    fn updatable(&self, path: &str) -> Result<Result<(), Refusal>, Error> {
        let found = self.find(path, Last::Follow);
        match found {
            Ok(place) => Ok(is_updatable(&place)),
            Err(error) if error.is_not_found() => Ok(Err(Refusal::Missing)),
            Err(error) => Err(error),
        }
    }

    fn words(&self, path: &str, old: &str, refusal: Refusal) -> String {
        match refusal {
            Refusal::Missing if self.check_root().is_err() => {
                format!("Error: Unexpected error - {}", Error::Gone)
            }
            Refusal::Missing => format!("Error: File '{path}' does not exist"),
            Refusal::NotAFile => format!("Error: '{path}' is not a file"),
            Refusal::NotFound => {
                let mut shown: String = old.chars().take(SHOWN_CHARS).collect();
                if old.chars().nth(SHOWN_CHARS).is_some() {
                    shown.push_str("...");
                }
                format!(
                    "Error: Could not find the specified content in the file. Looking for: '{shown}'"
                )
            }
            Refusal::Unchanged => "Error: No changes were made to the file".to_owned(),
            Refusal::Other(error) if error.is_denied() => {
                format!("Error: Permission denied writing to '{path}'")
            }
            Refusal::Other(error) => format!("Error: Unexpected error - {error}"),
        }
    }

    /// `delete_file`: removes a file; false if that is not possible.
    #[must_use]
    pub fn delete_file(&self, author: Author<'_>, file_path: &str) -> bool {
        let removable = self
            .find(file_path, Last::Keep)
            .is_ok_and(|place| place.file_type().is_some_and(|kind| !kind.is_dir()));
        let removed = || {
            self.change(author, |transaction| {
                let place = transaction.find(file_path, Last::Keep)?;
                transaction.check_writable(&place)?;
                transaction.remove(&place, None)
            })
        };
        removable && removed().is_ok()
    }

    /// `create_dir`: makes a directory with those above it; false if that is
    /// not possible.
    #[must_use]
    pub fn create_dir(&self, author: Author<'_>, dir_path: &str) -> bool {
        if self.check_if_dir_exists(dir_path) {
            return true;
        }
        let made = self.change(author, |transaction| {
            let place = transaction.find(dir_path, Last::Follow)?;
            transaction.check_writable(&place)?;
            transaction.make_directory(place, None)
        });
        made.is_ok()
    }
}

fn is_updatable(place: &Place<'_>) -> Result<(), Refusal> {
    match place.file_type() {
        None => Err(Refusal::Missing),
        Some(FileType::RegularFile) => Ok(()),
        Some(_) => Err(Refusal::NotAFile),
    }
}

/// Replaces in the file as it is now that it is locked; how often the old text
/// was found.
fn updated(
    transaction: &mut Transaction<'_>,
    path: &str,
    old: &str,
    new: &str,
) -> Result<usize, Refusal> {
    let place = transaction.find(path, Last::Follow)?;
    is_updatable(&place)?;
    transaction.check_writable(&place)?;
    let limit = transaction.file_bytes_max();
    let text = files::decode(path, files::read(&place, "update", limit)?)?;
    let keeps_crlf = transaction.is_extended() && is_crlf(&text);
    let text = files::universal_newlines(text);
    if !text.contains(old) {
        return Err(Refusal::NotFound);
    }
    // An empty text stands before every character; that is no ambiguity.
    let occurrences = match old.is_empty() {
        true => 1,
        false => text.matches(old).count(),
    };
    let mut replaced = text.replacen(old, new, 1);
    if replaced == text {
        return Err(Refusal::Unchanged);
    }
    // The file is replaced, not written to; that it may be written to is what
    // its owner says of it nevertheless.
    accessat(
        place.directory(),
        place.name()?,
        Access::WRITE_OK,
        AtFlags::EACCESS,
    )
    .map_err(|errno| place.system(errno))?;
    if keeps_crlf {
        replaced = files::universal_newlines(replaced).replace('\n', "\r\n");
    }
    if replaced.len() as u64 > limit {
        return Err(Refusal::Other(Error::TooLarge {
            path: path.to_owned(),
            action: "update",
            bytes: replaced.len() as u64,
            limit,
        }));
    }
    transaction.put(place, replaced.as_bytes(), None)?;
    Ok(occurrences)
}

/// Whether every line of the text ends as Windows has it.
fn is_crlf(text: &str) -> bool {
    let ends = text.matches('\n').count();
    ends > 0 && text.matches("\r\n").count() == ends && text.matches('\r').count() == ends
}
