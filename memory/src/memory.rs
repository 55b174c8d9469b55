//! A memory, opened.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use parking_lot::Mutex;
use rustix::fs::{fstat, openat};
use rustix::io::Errno;

use crate::place::{DIRECTORY, Last, Place};
use crate::writer::Writer;
use crate::{Author, Content, Error, Limits, Mode, Options, files};

/// A memory of Markdown files, held by the handle of its directory.
///
/// Cheap to clone; clones are the same memory. Any number of memories, in any
/// number of processes, may be open on one directory, and people may edit its
/// files meanwhile: every file is read and replaced as a whole, and changes
/// made through memories wait for one another. Edits by people cannot be locked
/// out: if one is saved during a change, the later write wins.
///
/// Nothing outside the directory can be reached: paths are walked by handle,
/// links that leave are refused.
#[derive(Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    root: OwnedFd,
    options: Options,
    writer: Mutex<Writer>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("root", &self.shared.root)
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Memory {
    /// Opens the memory in a directory.
    ///
    /// # Errors
    /// If there is no such directory or it may not be read.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        let path = path.as_ref();
        let root = Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            Error::system(errno, &path.to_string_lossy())
        })?;
        Self::from_dir(&root, options)
    }

    /// Takes a directory that is open already. If a writer was killed, what it
    /// left is put in order now, unless another writer is about to.
    ///
    /// # Errors
    /// If the directory may not be read.
    pub fn from_dir(root: &Dir, options: Options) -> Result<Self, Error> {
        // The handle of a `Dir` may be good for walking only.
        let root = openat(root, ".", DIRECTORY, rustix::fs::Mode::empty());
        let root = root.map_err(|errno| Error::system(errno, "."))?;
        let mut writer = Writer::default();
        // A memory that may only be read can be read; the first change says
        // what is wrong.
        let _ = writer.recover(root.as_fd(), &options);
        Ok(Self {
            shared: Arc::new(Shared {
                root,
                options,
                writer: Mutex::new(writer),
            }),
        })
    }

    /// How it was opened.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.options.limits
    }

    pub(crate) fn is_extended(&self) -> bool {
        self.shared.options.mode == Mode::Extended
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.shared.root.as_fd()
    }

    pub(crate) fn writer(&self) -> &Mutex<Writer> {
        &self.shared.writer
    }

    /// Fails if the directory was removed.
    pub(crate) fn check_root(&self) -> Result<(), Error> {
        match fstat(self.root()) {
            Ok(stat) if stat.st_nlink > 0 => Ok(()),
            _ => Err(Error::Gone),
        }
    }

    pub(crate) fn find(&self, path: &str, last: Last) -> Result<Place<'_>, Error> {
        Place::find(self.root(), path, last)
    }

    /// The bytes of a file, no more than a file may have.
    ///
    /// # Errors
    /// If nothing or no file stands there, if it is too large, if the path
    /// leaves the memory.
    pub fn bytes(&self, path: &str) -> Result<Vec<u8>, Error> {
        let place = self.find(path, Last::Follow)?;
        files::read(&place, "read", self.limits().file_bytes_max)
    }

    /// The text of a file, with the line ends that Python would give it.
    ///
    /// # Errors
    /// As [`Self::bytes`], and if it is not UTF-8.
    pub fn text(&self, path: &str) -> Result<String, Error> {
        Ok(files::universal_newlines(files::decode(
            path,
            self.bytes(path)?,
        )?))
    }

    /// Writes a file, whatever stood there before.
    ///
    /// # Errors
    /// If a limit forbids it, if the path leaves the memory or is a directory,
    /// if the system refuses. The file is as it was then.
    pub fn write(&self, author: Author<'_>, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.change(author, |transaction| {
            let place = transaction.find(path, Last::Keep)?;
            transaction.check_writable(&place)?;
            transaction.put(place, bytes, None)
        })
    }

    /// Changes the text of one file while nobody else changes anything. `change`
    /// gets the text, `None` if there is no file, and returns the text to write,
    /// or `None` to leave everything as it is. Returns whether it was written.
    ///
    /// # Errors
    /// As [`Self::write`], and if what stands there is no file or not UTF-8.
    pub fn edit(
        &self,
        author: Author<'_>,
        path: &str,
        change: impl FnOnce(Option<&str>) -> Option<String>,
    ) -> Result<bool, Error> {
        self.change(author, |transaction| {
            let place = transaction.find(path, Last::Follow)?;
            transaction.check_writable(&place)?;
            let (content, bytes) = transaction.content(&place)?;
            let text = match content {
                Content::Absent => None,
                Content::File { .. } => Some(files::decode(path, bytes)?),
                _ => return Err(Error::malformed(path, "is no file of a memory")),
            };
            match change(text.as_deref()) {
                None => Ok(false),
                Some(text) => transaction.put(place, text.as_bytes(), None).map(|()| true),
            }
        })
    }

    /// Brings everything that has changed to the disk.
    ///
    /// # Errors
    /// If the system cannot.
    pub fn flush(&self) -> Result<(), Error> {
        rustix::fs::syncfs(self.root()).map_err(|errno| Error::system(errno, ""))
    }
}
