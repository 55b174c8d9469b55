//! Reading, writing and positioning.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::abi::{FDFLAG_APPEND, FDFLAG_DSYNC, FDFLAG_SYNC, WHENCE_CUR, WHENCE_END, WHENCE_SET};
use crate::descriptor::{Descriptor, Target};
use crate::errno::Errno;
use crate::filesystem::FileSystem;
use crate::host;
use crate::namespace::Source;
use crate::quota::Ledger;

/// The largest length of a file: offsets are signed in the interface.
const FILE_BYTES_MAX: u64 = i64::MAX as u64;

impl FileSystem {
    /// Reads at the position and moves it. 0 bytes mean the end.
    ///
    /// # Errors
    /// `Badf` if it is not open for reading, `Isdir` for a directory.
    pub fn fd_read(&mut self, fd: u32, buffer: &mut [u8]) -> Result<usize, Errno> {
        let offset = self.descriptor(fd)?.offset;
        let count = self.fd_pread(fd, buffer, offset)?;
        self.descriptor(fd)?.offset = offset.saturating_add(count as u64);
        Ok(count)
    }

    /// Reads at an offset.
    ///
    /// # Errors
    /// `Badf` if it is not open for reading, `Isdir` for a directory.
    pub fn fd_pread(&mut self, fd: u32, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let namespace = Arc::clone(&self.namespace);
        let tree = Arc::clone(&self.tree);
        let descriptor = self.descriptor(fd)?;
        match &descriptor.target {
            Target::Virtual { .. } | Target::HostDirectory { .. } => Err(Errno::Isdir),
            Target::Scratch(node) if tree.directory(*node).is_ok() => Err(Errno::Isdir),
            _ if !descriptor.read => Err(Errno::Badf),
            Target::Scratch(node) => Ok(tree.content(*node)?.read(offset, buffer)),
            Target::HostFile { file, .. } => host::read(file, buffer, offset),
            Target::MountedFile { mount } => match namespace.mount(*mount).map(|m| &m.source) {
                Some(Source::File(file)) => host::read(file, buffer, offset),
                _ => Err(Errno::Stale),
            },
            Target::Lost => Err(Errno::Stale),
        }
    }

    /// Writes at the position, or at the end with [`FDFLAG_APPEND`], and moves it.
    ///
    /// # Errors
    /// `Badf` if it is not open for writing, `Nospc` if the quota does not
    /// have room for all of it, `Fbig` past the largest offset.
    pub fn fd_write(&mut self, fd: u32, data: &[u8]) -> Result<usize, Errno> {
        let offset = self.descriptor(fd)?.offset;
        let (count, end) = self.write(fd, data, offset)?;
        self.descriptor(fd)?.offset = end;
        Ok(count)
    }

    /// Writes at an offset and leaves the position; as on Linux,
    /// [`FDFLAG_APPEND`] overrules the offset.
    ///
    /// # Errors
    /// As [`Self::fd_write`].
    pub fn fd_pwrite(&mut self, fd: u32, data: &[u8], offset: u64) -> Result<usize, Errno> {
        Ok(self.write(fd, data, offset)?.0)
    }

    /// Moves the position and returns it.
    ///
    /// # Errors
    /// `Inval` for an unknown `whence` or a result below 0 or past the largest
    /// offset, `Isdir` for a directory.
    pub fn fd_seek(&mut self, fd: u32, offset: i64, whence: u8) -> Result<u64, Errno> {
        let size = self.size(fd)?;
        let descriptor = self.descriptor(fd)?;
        let base = match whence {
            WHENCE_SET => 0,
            WHENCE_CUR => descriptor.offset,
            WHENCE_END => size,
            _ => return Err(Errno::Inval),
        };
        let position = base.checked_add_signed(offset).ok_or(Errno::Inval)?;
        if position > FILE_BYTES_MAX {
            return Err(Errno::Inval);
        }
        descriptor.offset = position;
        Ok(position)
    }

    /// The position.
    ///
    /// # Errors
    /// `Badf` if it is not open, `Isdir` for a directory.
    pub fn fd_tell(&mut self, fd: u32) -> Result<u64, Errno> {
        self.size(fd)?;
        Ok(self.descriptor(fd)?.offset)
    }

    /// Cuts or extends a file. Scratch counts the length, holes included.
    ///
    /// # Errors
    /// `Badf` if it is not open for writing, `Nospc` for the quota, `Fbig`.
    pub fn fd_filestat_set_size(&mut self, fd: u32, size: u64) -> Result<(), Errno> {
        let held = self.size(fd)?;
        if !self.descriptor(fd)?.write {
            return Err(Errno::Badf);
        }
        if size > FILE_BYTES_MAX {
            return Err(Errno::Fbig);
        }
        let growth = size.saturating_sub(held);
        self.ledger.admit_bytes(self.tree.bytes(), growth)?;
        let (now_ns, is_held) = (self.now_ns, self.is_host_held);
        let node = match &self.descriptor(fd)?.target {
            Target::Scratch(node) => *node,
            Target::HostFile { .. } if is_held => return Err(Errno::Rofs),
            Target::HostFile { file, .. } => {
                file.set_len(size)?;
                self.ledger.spend_bytes(growth);
                return Ok(());
            }
            _ => return Err(Errno::Inval),
        };
        self.tree_mut().resize(node, size, now_ns)
    }

    /// Makes a file at least `offset + length` long.
    ///
    /// # Errors
    /// `Inval` if the length is 0; otherwise as [`Self::fd_filestat_set_size`].
    pub fn fd_allocate(&mut self, fd: u32, offset: u64, length: u64) -> Result<(), Errno> {
        let held = self.size(fd)?;
        if !self.descriptor(fd)?.write {
            return Err(Errno::Badf);
        }
        if length == 0 {
            return Err(Errno::Inval);
        }
        let end = offset.checked_add(length).ok_or(Errno::Fbig)?;
        if end <= held {
            return Ok(());
        }
        self.fd_filestat_set_size(fd, end)
    }

    /// Takes advice on access patterns, and ignores it.
    ///
    /// # Errors
    /// `Inval` for unknown advice, `Badf` if it is not open, `Isdir`.
    pub fn fd_advise(
        &mut self,
        fd: u32,
        _offset: u64,
        _length: u64,
        advice: u8,
    ) -> Result<(), Errno> {
        self.size(fd)?;
        if advice > 5 {
            return Err(Errno::Inval);
        }
        Ok(())
    }

    /// Sends data and attributes of a host file to its disk.
    ///
    /// # Errors
    /// `Badf` if it is not open, or what the host reports.
    pub fn fd_sync(&mut self, fd: u32) -> Result<(), Errno> {
        match &self.descriptor(fd)?.target {
            Target::HostFile { file, .. } => Ok(file.sync_all()?),
            Target::HostDirectory { dir, .. } => Ok(rustix::fs::fsync(host::readable(dir)?)?),
            _ => Ok(()),
        }
    }

    /// Sends the data of a host file to its disk.
    ///
    /// # Errors
    /// `Badf` if it is not open, or what the host reports.
    pub fn fd_datasync(&mut self, fd: u32) -> Result<(), Errno> {
        match &self.descriptor(fd)?.target {
            Target::HostFile { file, .. } => Ok(file.sync_data()?),
            _ => self.fd_sync(fd),
        }
    }

    /// The length of an open file; directories have none.
    fn size(&mut self, fd: u32) -> Result<u64, Errno> {
        let mount = match &self.descriptor(fd)?.target {
            Target::Virtual { .. } | Target::HostDirectory { .. } => return Err(Errno::Isdir),
            Target::Scratch(node) => {
                let node = *node;
                return Ok(self.tree.content(node)?.size());
            }
            Target::HostFile { file, .. } => return Ok(file.metadata()?.len()),
            Target::MountedFile { mount } => *mount,
            Target::Lost => return Err(Errno::Stale),
        };
        Ok(self.host_file(mount)?.metadata()?.len())
    }

    /// Writes and returns the count and where it ended.
    fn write(&mut self, fd: u32, data: &[u8], offset: u64) -> Result<(usize, u64), Errno> {
        let descriptor = self.descriptor(fd)?;
        if !descriptor.write {
            return Err(Errno::Badf);
        }
        if data.is_empty() {
            return Ok((0, offset));
        }
        let append = descriptor.flags & FDFLAG_APPEND != 0;
        let size = self.size(fd)?;
        let start = if append { size } else { offset };
        let end = start
            .checked_add(data.len() as u64)
            .filter(|end| *end <= FILE_BYTES_MAX)
            .ok_or(Errno::Fbig)?;
        let (held, is_held) = (self.tree.bytes(), self.is_host_held);
        let Self { table, ledger, .. } = self;
        let descriptor = table.get_mut(fd)?;
        let node = match &descriptor.target {
            Target::Scratch(node) => *node,
            Target::HostFile { .. } if is_held => return Err(Errno::Rofs),
            Target::HostFile { file, .. } => {
                let hole = start.saturating_sub(size);
                ledger.admit_bytes(held, hole.saturating_add(data.len() as u64))?;
                return write_host(ledger, descriptor, file, data, start, hole);
            }
            _ => return Err(Errno::Badf),
        };
        ledger.admit_bytes(held, end.saturating_sub(size))?;
        let now_ns = self.now_ns;
        self.tree_mut().write(node, start, data, now_ns)?;
        Ok((data.len(), end))
    }
}

fn write_host(
    ledger: &mut Ledger,
    descriptor: &Descriptor,
    mut file: &File,
    data: &[u8],
    start: u64,
    hole: u64,
) -> Result<(usize, u64), Errno> {
    let (count, end) = if descriptor.flags & FDFLAG_APPEND != 0 {
        // The host finds the end, which others may be moving too.
        (file.write(data)?, file.stream_position()?)
    } else {
        let count = file.write_at(data, start)?;
        (count, start.saturating_add(count as u64))
    };
    ledger.spend_bytes(hole.saturating_add(count as u64));
    if descriptor.flags & (FDFLAG_DSYNC | FDFLAG_SYNC) != 0 {
        file.sync_data()?;
    }
    Ok((count, end))
}
