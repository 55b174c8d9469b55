//! The files of a session, for the host: no code of the guest runs.
//!
//! Paths, mounts, links and quotas are those of the guest's own calls.

use super::lifecycle::{LOST, Session, SessionState};
use crate::error::Error;
use memex_filesystem::{
    DirEntry, Errno, FileStat, FileSystem, FileType, LOOKUP_SYMLINK_FOLLOW, OFLAG_CREAT,
    OFLAG_DIRECTORY, OFLAG_TRUNC, PREOPEN_FD, RIGHT_FD_READ, RIGHT_FD_WRITE,
};

/// Entries of a folder that are read in one go.
const BATCH: usize = 1024;

/// The files of a session between turns; see [`Session::files`].
#[derive(Debug)]
pub struct SessionFiles<'a> {
    files: &'a mut FileSystem,
    /// Whether the state before the turn, or before this, is that of now.
    current: &'a mut bool,
    may_write: bool,
}

impl Session {
    /// The files that the guest sees, as it sees them. While a turn waits they can be read,
    /// and not be written: the turn may still be rolled back.
    ///
    /// # Errors
    /// When the session is lost.
    pub fn files(&mut self) -> Result<SessionFiles<'_>, Error> {
        let may_write = self.state == SessionState::Ready;
        let live = self.live.as_mut().ok_or(LOST)?;
        Ok(SessionFiles {
            files: live.store.data_mut().files(),
            current: &mut self.rest.current,
            may_write,
        })
    }
}

impl SessionFiles<'_> {
    /// What there is of a path; of a link itself, unless it is to be followed.
    ///
    /// # Errors
    /// As [`FileSystem::path_filestat_get`].
    pub fn stat(&mut self, path: &str, follow: bool) -> Result<FileStat, Errno> {
        let flags = if follow { LOOKUP_SYMLINK_FOLLOW } else { 0 };
        self.files
            .path_filestat_get(PREOPEN_FD, flags, path.as_bytes())
    }

    /// Where a link leads.
    ///
    /// # Errors
    /// As [`FileSystem::path_readlink`].
    pub fn link_target(&mut self, path: &str) -> Result<String, Errno> {
        self.files.path_readlink(PREOPEN_FD, path.as_bytes())
    }

    /// What lies in a folder, without `.` and `..`: at most `most` entries.
    ///
    /// # Errors
    /// `Notdir`, `Noent`, and `Nametoolong` for a folder of more entries.
    pub fn list(&mut self, path: &str, most: usize) -> Result<Vec<DirEntry>, Errno> {
        let fd = self.open(path, OFLAG_DIRECTORY, RIGHT_FD_READ)?;
        let listed = self.listed(fd, most);
        self.close(fd);
        listed
    }

    fn listed(&mut self, fd: u32, most: usize) -> Result<Vec<DirEntry>, Errno> {
        let mut entries: Vec<DirEntry> = Vec::new();
        let mut cookie = 0;
        loop {
            let batch = self.files.fd_readdir(fd, cookie, BATCH)?;
            let Some(last) = batch.last() else {
                return Ok(entries);
            };
            cookie = last.next;
            let named = |entry: &DirEntry| entry.name != "." && entry.name != "..";
            entries.extend(batch.into_iter().filter(named));
            if entries.len() > most {
                return Err(Errno::Nametoolong);
            }
        }
    }

    /// A piece of a file: at most `most` bytes from `offset` on, and none past its end.
    ///
    /// # Errors
    /// `Isdir`, `Noent`, and what reading may fail with.
    pub fn read(&mut self, path: &str, offset: u64, most: usize) -> Result<Vec<u8>, Errno> {
        let fd = self.open(path, 0, RIGHT_FD_READ)?;
        let read = self.read_open(fd, offset, most);
        self.close(fd);
        read
    }

    fn read_open(&mut self, fd: u32, offset: u64, most: usize) -> Result<Vec<u8>, Errno> {
        let stat = self.files.fd_filestat_get(fd)?;
        if stat.filetype == FileType::Directory {
            return Err(Errno::Isdir);
        }
        let left = stat.size.saturating_sub(offset);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(most);
        let mut bytes = vec![0; length];
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(done as u64);
            match self.files.fd_pread(fd, rest, at)? {
                0 => break,
                count => done += count,
            }
        }
        bytes.truncate(done);
        Ok(bytes)
    }

    /// Writes a file, in place of the one that is there. A file that does not fit is as it
    /// was.
    ///
    /// # Errors
    /// `Nospc` and `Dquot` where it does not fit, `Isdir`, `Noent` where its folder is not
    /// there, `Rofs`; `Perm` while a turn waits.
    pub fn write<'b>(
        &mut self,
        path: &str,
        pieces: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<(), Errno> {
        self.writing()?;
        match self.stat(path, true) {
            Ok(stat) if stat.filetype == FileType::Directory => return Err(Errno::Isdir),
            Ok(_) | Err(Errno::Noent) => {}
            Err(error) => return Err(error),
        }
        // Beside the file, so that it is in the same mount.
        let beside = format!("{}.memex-partial", path.trim_end_matches('/'));
        let written = self.write_whole(&beside, pieces).and_then(|()| {
            self.files
                .path_rename(PREOPEN_FD, beside.as_bytes(), PREOPEN_FD, path.as_bytes())
        });
        if written.is_err() {
            // It may not have come into being.
            let _absent = self.files.path_unlink_file(PREOPEN_FD, beside.as_bytes());
        }
        self.files.take_breach();
        written
    }

    fn write_whole<'b>(
        &mut self,
        path: &str,
        pieces: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<(), Errno> {
        let fd = self.open(path, OFLAG_CREAT | OFLAG_TRUNC, RIGHT_FD_WRITE)?;
        let mut written = Ok(());
        'pieces: for piece in pieces {
            let mut rest = piece;
            while !rest.is_empty() {
                match self.files.fd_write(fd, rest) {
                    Ok(0) => written = Err(Errno::Nospc),
                    Ok(count) => {
                        rest = rest.get(count..).unwrap_or_default();
                        continue;
                    }
                    Err(error) => written = Err(error),
                }
                break 'pieces;
            }
        }
        self.close(fd);
        written
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As [`FileSystem::path_create_directory`]; `Perm` while a turn waits.
    pub fn make_folder(&mut self, path: &str) -> Result<(), Errno> {
        self.writing()?;
        let made = self
            .files
            .path_create_directory(PREOPEN_FD, path.as_bytes());
        self.files.take_breach();
        made
    }

    /// Removes a file, a link or an empty folder.
    ///
    /// # Errors
    /// As [`FileSystem::path_unlink_file`] and [`FileSystem::path_remove_directory`];
    /// `Perm` while a turn waits.
    pub fn remove(&mut self, path: &str) -> Result<(), Errno> {
        self.writing()?;
        match self.stat(path, false)?.filetype {
            FileType::Directory => self
                .files
                .path_remove_directory(PREOPEN_FD, path.as_bytes()),
            _ => self.files.path_unlink_file(PREOPEN_FD, path.as_bytes()),
        }
    }

    /// Gives a file or a folder another name in the same mount.
    ///
    /// # Errors
    /// As [`FileSystem::path_rename`]; `Perm` while a turn waits.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        self.writing()?;
        self.files
            .path_rename(PREOPEN_FD, from.as_bytes(), PREOPEN_FD, to.as_bytes())
    }

    /// From here on the session is not what was saved of it.
    fn writing(&mut self) -> Result<(), Errno> {
        if !self.may_write {
            return Err(Errno::Perm);
        }
        *self.current = false;
        Ok(())
    }

    fn open(&mut self, path: &str, oflags: u16, rights: u64) -> Result<u32, Errno> {
        let path = path.as_bytes();
        self.files.path_open(
            PREOPEN_FD,
            LOOKUP_SYMLINK_FOLLOW,
            path,
            oflags,
            rights,
            rights,
            0,
        )
    }

    fn close(&mut self, fd: u32) {
        // It was open a moment ago.
        let _closed = self.files.fd_close(fd);
    }
}
