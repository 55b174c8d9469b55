//! Reading and writing, with the standard streams.

use super::answer::{MODULE, answer};
use super::failure::{Answer, Failure};
use super::memory::{Bytes, vector_count};
use crate::host::{Host, Stream};
use memex_filesystem::Errno;
use wasmtime::{Caller, Linker};

/// Bytes that are moved between two looks at the interrupt.
const PIECE_BYTES: usize = 1 << 20;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_write",
        |mut caller: Caller<'_, Host>, fd: i32, vectors: i32, count: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                let written = gather(bytes, host, (vectors, count), |host, piece| {
                    write(host, fd, piece)
                })?;
                bytes.write_u32(out, written)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_pwrite",
        |mut caller: Caller<'_, Host>, fd: i32, vectors: i32, count: i32, offset: i64, out: i32| {
            answer(&mut caller, |bytes, host| {
                let mut offset = offset as u64;
                let written = gather(bytes, host, (vectors, count), |host, piece| {
                    let written = host.files().fd_pwrite(fd as u32, piece, offset)?;
                    offset = offset.saturating_add(written as u64);
                    Ok(written)
                })?;
                bytes.write_u32(out, written)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_read",
        |mut caller: Caller<'_, Host>, fd: i32, vectors: i32, count: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                let read = scatter(bytes, host, (vectors, count), |host, piece| match fd {
                    // A sandbox has no input: standard input is at its end.
                    0 => Ok(0),
                    _ => host.files().fd_read(fd as u32, piece),
                })?;
                bytes.write_u32(out, read)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_pread",
        |mut caller: Caller<'_, Host>, fd: i32, vectors: i32, count: i32, offset: i64, out: i32| {
            answer(&mut caller, |bytes, host| {
                let mut offset = offset as u64;
                let read = scatter(bytes, host, (vectors, count), |host, piece| {
                    let read = host.files().fd_pread(fd as u32, piece, offset)?;
                    offset = offset.saturating_add(read as u64);
                    Ok(read)
                })?;
                bytes.write_u32(out, read)
            })
        },
    )?;
    Ok(())
}

fn write(host: &mut Host, fd: i32, piece: &[u8]) -> Result<usize, Errno> {
    match fd {
        1 => host.output(Stream::Stdout, piece),
        2 => host.output(Stream::Stderr, piece),
        _ => return host.files().fd_write(fd as u32, piece),
    }
    Ok(piece.len())
}

/// Writes each buffer of a vector until one is not taken whole.
fn gather(
    bytes: &Bytes<'_>,
    host: &mut Host,
    (vectors, count): (i32, i32),
    mut write: impl FnMut(&mut Host, &[u8]) -> Result<usize, Errno>,
) -> Result<u32, Failure> {
    let mut progress = Progress::default();
    for index in 0..check_sum(bytes, vectors, count)? {
        let (pointer, length) = bytes.vector(vectors, index)?;
        let mut rest = bytes.slice(pointer, length)?;
        loop {
            let (piece, after) = rest.split_at(rest.len().min(PIECE_BYTES));
            let written = write(host, piece);
            if progress.ends(host, written, piece.len())? {
                return Ok(progress.total);
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    Ok(progress.total)
}

/// Fills each buffer of a vector until one is not filled whole.
fn scatter(
    bytes: &mut Bytes<'_>,
    host: &mut Host,
    (vectors, count): (i32, i32),
    mut read: impl FnMut(&mut Host, &mut [u8]) -> Result<usize, Errno>,
) -> Result<u32, Failure> {
    let mut progress = Progress::default();
    for index in 0..check_sum(bytes, vectors, count)? {
        let (pointer, length) = bytes.vector(vectors, index)?;
        let mut rest = bytes.slice_mut(pointer, length)?;
        loop {
            let (piece, after) = rest.split_at_mut(rest.len().min(PIECE_BYTES));
            let got = read(host, piece);
            if progress.ends(host, got, piece.len())? {
                return Ok(progress.total);
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    Ok(progress.total)
}

/// How far a vectored read or write has come.
#[derive(Default)]
struct Progress {
    total: u32,
    since_look: usize,
}

impl Progress {
    /// Adds a piece, and says whether the call ends with it: since it was not
    /// moved whole, or since a hard interrupt is pending. What went before an
    /// error is moved; the error comes back at the next call.
    fn ends(
        &mut self,
        host: &Host,
        moved: Result<usize, Errno>,
        wanted: usize,
    ) -> Result<bool, Failure> {
        let moved = match moved {
            Ok(moved) => moved,
            Err(_) if self.total > 0 => return Ok(true),
            Err(errno) => return Err(errno.into()),
        };
        self.total = self.total.saturating_add(moved as u32);
        self.since_look = self.since_look.saturating_add(moved);
        if moved < wanted {
            return Ok(true);
        }
        if self.since_look < PIECE_BYTES {
            return Ok(false);
        }
        self.since_look = 0;
        Ok(host.interrupter.pulse.is_hard())
    }
}

/// The number of buffers in a vector. All their bytes must be countable: the
/// same memory can be named over and over.
fn check_sum(bytes: &Bytes<'_>, vectors: i32, count: i32) -> Result<u32, Failure> {
    let count = vector_count(count)?;
    let mut sum = 0_u32;
    for index in 0..count {
        let (_, length) = bytes.vector(vectors, index)?;
        sum = sum.checked_add(length as u32).ok_or(Errno::Inval)?;
    }
    Ok(count)
}

/// Whether a descriptor is one of the standard streams.
pub(super) fn is_stream(fd: i32) -> bool {
    (0..=2).contains(&fd)
}

/// For operations that standard streams do not have.
pub(super) fn not_a_stream(fd: i32) -> Answer {
    if is_stream(fd) {
        Err(Errno::Notsup.into())
    } else {
        Ok(())
    }
}
