//! The files of a journal in their directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::Error;

/// Bytes before the first record of a file.
pub(crate) const HEADER_BYTES: u32 = 16;
/// The version that this build writes, and the only one it reads.
const VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"MEMEXJNL";
/// What is kept free for removals on a full disk.
const RESERVE_BYTES: usize = 1 << 20;
/// The highest number of a file.
const NUMBER_MAX: u32 = 99_999_999;

/// A journal's directory, held by this process.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Opens the directory, and makes it where it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| Error::io("create", path, error))?;
        let lock_path = path.join("lock");
        let lock = opening().create(true).truncate(false).open(&lock_path);
        let lock = lock.map_err(|error| Error::io("open", &lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Error::InUse {
                    directory: path.to_owned(),
                });
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(Error::io("lock", lock_path, error));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn segment_path(&self, number: u32) -> PathBuf {
        self.path.join(format!("{number:08}.journal"))
    }

    /// The numbers of the files that are there, in order.
    pub(crate) fn numbers(&self) -> Result<Vec<u32>, Error> {
        let failed = |error| Error::io("list", &self.path, error);
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_suffix(".journal"))
                .filter(|digits| digits.len() == 8);
            if let Some(number) = number.and_then(|digits| digits.parse().ok()) {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Begins a file.
    pub(crate) fn create(&self, number: u32) -> Result<File, Error> {
        let path = self.segment_path(number);
        let failed = |error| Error::io("create", &path, error);
        if number > NUMBER_MAX {
            return Err(failed(ErrorKind::FileTooLarge.into()));
        }
        let file = opening().create_new(true).open(&path).map_err(failed)?;
        let mut header = [0; HEADER_BYTES as usize];
        let (magic, rest) = header.split_at_mut(MAGIC.len());
        magic.copy_from_slice(&MAGIC);
        if let Some(version) = rest.first_chunk_mut() {
            *version = VERSION.to_le_bytes();
        }
        if let Err(error) = file.write_all_at(&header, 0) {
            // A file without a header would be taken for another program's.
            let _absent = fs::remove_file(&path);
            return Err(failed(error));
        }
        Ok(file)
    }

    /// Opens a file that is there, and says how long it is; none where its beginning was not
    /// written before the process or the machine ended.
    pub(crate) fn open_segment(&self, number: u32) -> Result<Option<(File, u32)>, Error> {
        let path = self.segment_path(number);
        let failed = |error| Error::io("open", &path, error);
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = opening().custom_flags(flags).open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let not_one = |what| Error::NotAJournal {
            file: path.clone(),
            what,
        };
        if !metadata.is_file() {
            return Err(not_one("it is not a regular file"));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
            return Err(not_one(
                "others may write it, or it belongs to another user",
            ));
        }
        let bytes = u32::try_from(metadata.len());
        let bytes = bytes.map_err(|_| not_one("it is longer than such a file can be"))?;
        let mut header = [0; HEADER_BYTES as usize];
        if bytes < HEADER_BYTES || {
            file.read_exact_at(&mut header, 0).map_err(failed)?;
            header == [0; HEADER_BYTES as usize]
        } {
            return Ok(None);
        }
        let [m0, m1, m2, m3, m4, m5, m6, m7, v0, v1, v2, v3, ..] = header;
        if [m0, m1, m2, m3, m4, m5, m6, m7] != MAGIC {
            return Err(not_one("it begins otherwise"));
        }
        match u32::from_le_bytes([v0, v1, v2, v3]) {
            VERSION => Ok(Some((file, bytes))),
            found => Err(Error::Version {
                file: path,
                found,
                supported: VERSION,
            }),
        }
    }

    pub(crate) fn remove(&self, number: u32) -> Result<(), Error> {
        let path = self.segment_path(number);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io("remove", path, error))
            }
            _ => Ok(()),
        }
    }

    /// Makes the names in the directory durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|error| Error::io("make durable", &self.path, error))
    }

    /// Keeps room for removals, if there is any.
    pub(crate) fn keep_reserve(&self) {
        let path = self.path.join("reserve");
        if path.exists() {
            return;
        }
        let written = opening().create_new(true).open(&path);
        let written = written.and_then(|mut file| file.write_all(&vec![0; RESERVE_BYTES]));
        if written.is_err() {
            self.give_reserve();
        }
    }

    /// Gives the room for removals free, and says whether there was any.
    pub(crate) fn give_reserve(&self) -> bool {
        fs::remove_file(self.path.join("reserve")).is_ok()
    }
}

fn opening() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}
