//! `read_file` and the two questions whether something is there.

use rustix::fs::FileType;

use crate::place::Last;
use crate::{Error, Memory};

impl Memory {
    /// `read_file`: the text of a file, or a string that says why not.
    #[must_use]
    pub fn read_file(&self, file_path: &str) -> String {
        match self.text(file_path) {
            Ok(text) => text,
            Err(error) => match self.explained(error) {
                Error::NotAFile { .. } => format!("Error: {file_path} is not a file"),
                error if error.is_not_found() => {
                    format!("Error: File {file_path} does not exist")
                }
                error if error.is_denied() => {
                    format!("Error: Permission denied accessing {file_path}")
                }
                error => format!("Error: {error}"),
            },
        }
    }

    /// `check_if_file_exists`: whether a file stands there.
    #[must_use]
    pub fn check_if_file_exists(&self, file_path: &str) -> bool {
        self.kind(file_path) == Some(FileType::RegularFile)
    }

    /// `check_if_dir_exists`: whether a directory stands there.
    #[must_use]
    pub fn check_if_dir_exists(&self, dir_path: &str) -> bool {
        self.kind(dir_path) == Some(FileType::Directory)
    }

    fn kind(&self, path: &str) -> Option<FileType> {
        self.check_root().ok()?;
        self.find(path, Last::Follow).ok()?.file_type()
    }

    /// Distinguishes a memory that is gone from a missing file.
    pub(crate) fn explained(&self, error: Error) -> Error {
        match error.is_not_found() {
            true => self.check_root().err().unwrap_or(error),
            false => error,
        }
    }
}
