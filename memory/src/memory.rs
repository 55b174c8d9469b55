//! A memory, opened.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use parking_lot::{Mutex, MutexGuard};
use rustix::io::Errno;

use crate::link_index::LinkIndex;
use crate::place::{Last, Place};
use crate::root::Root;
use crate::transaction::Transaction;
use crate::writer::Writer;
use crate::{Author, Content, Error, Limits, Options, files, tree};

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
    root: Root,
    writer: Mutex<Writer>,
    links: Mutex<LinkIndex>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("root", &self.shared.root.handle())
            .field("options", self.options())
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
        let root = Root::of(root, options)?;
        let mut writer = Writer::default();
        // A memory that may only be read can be read; the first change says
        // what is wrong.
        let _ = writer.recover(&root);
        Ok(Self {
            shared: Arc::new(Shared {
                root,
                writer: Mutex::new(writer),
                links: Mutex::default(),
            }),
        })
    }

    /// How it was opened.
    #[must_use]
    pub fn options(&self) -> &Options {
        self.shared.root.options()
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.shared.root.limits()
    }

    pub(crate) fn is_extended(&self) -> bool {
        self.shared.root.is_extended()
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.shared.root.handle()
    }

    /// What is known of the names of files, for one link at a time.
    pub(crate) fn link_index(&self) -> MutexGuard<'_, LinkIndex> {
        self.shared.links.lock()
    }

    /// The paths of all files by code point, those that a listing hides left out.
    ///
    /// # Errors
    /// If the memory cannot be walked.
    pub fn files(&self) -> Result<Vec<String>, Error> {
        self.check_root()?;
        let files = tree::files(self.root(), false).map_err(|errno| Error::system(errno, ""))?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }

    /// Fails if the directory was removed.
    pub(crate) fn check_root(&self) -> Result<(), Error> {
        self.shared.root.check()
    }

    pub(crate) fn find(&self, path: &str, last: Last) -> Result<Place<'_>, Error> {
        self.shared.root.find(path, last)
    }

    /// Runs one or several changes under the memory's lock.
    pub(crate) fn change<T>(
        &self,
        author: Author<'_>,
        make: impl FnOnce(&mut Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Shared { root, writer, .. } = &*self.shared;
        root.check()?;
        let wait = wait_of(author, root.options().lock_wait_max);
        let wait_until = Instant::now() + wait;
        let Some(mut writer) = writer.try_lock_until(wait_until) else {
            return Err(Error::Busy {
                waited_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            });
        };
        writer.change(root, author, wait_until, make)
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
        self.shared.root.flush()
    }
}

fn wait_of(author: Author<'_>, wait_max: Duration) -> Duration {
    let left = author
        .deadline
        .map(|deadline| deadline.saturating_duration_since(Instant::now()));
    left.map_or(wait_max, |left| left.min(wait_max))
}
