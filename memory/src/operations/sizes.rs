//! `get_size`.

use std::os::fd::AsFd;

use rustix::fs::FileType;

use super::raised::Raised;
use crate::place::Last;
use crate::{Error, Memory, tree};

impl Memory {
    /// `get_size`: the bytes of a file or of all files in a directory; the
    /// empty path is the whole memory.
    ///
    /// # Errors
    /// `FileNotFoundError` if nothing stands there, `PermissionError` if the
    /// path leaves the memory.
    pub fn get_size(&self, file_or_dir_path: &str) -> Result<u64, Raised> {
        self.size(file_or_dir_path).map_err(|error| match error {
            error if error.is_not_found() => {
                let message = format!("Path not found: {file_or_dir_path}");
                Raised::new("FileNotFoundError", message)
            }
            Error::Gone => Raised::new("FileNotFoundError", error.to_string()),
            error if error.is_denied() => Raised::new("PermissionError", error.to_string()),
            error => Raised::new("OSError", error.to_string()),
        })
    }

    fn size(&self, path: &str) -> Result<u64, Error> {
        self.check_root()?;
        let of_system = |errno| Error::system(errno, path);
        if path.is_empty() {
            let sizes = tree::measure(self.root(), true).map_err(of_system)?;
            return Ok(sizes.bytes);
        }
        let place = self.find(path, Last::Follow)?;
        match place.file_type() {
            None => Err(of_system(rustix::io::Errno::NOENT)),
            Some(FileType::Directory) => {
                let directory = place.open_directory()?;
                let at_root = place.canonical().is_empty();
                let sizes = tree::measure(directory.as_fd(), at_root).map_err(of_system)?;
                Ok(sizes.bytes)
            }
            Some(_) => {
                let size = place.stat.map_or(0, |stat| stat.st_size);
                Ok(u64::try_from(size).unwrap_or(0))
            }
        }
    }
}
