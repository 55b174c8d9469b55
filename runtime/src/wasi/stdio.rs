//! Reading and writing, with the standard streams.

use super::memory::{Bytes, vector_count};
use super::{Answer, Failure, MODULE, answer};
use crate::session::{Host, Stream};
use memex_filesystem::Errno;
use wasmtime::{Caller, Linker};

/// Bytes moved between two looks at the interrupt. A buffer may be as large as
/// all of memory, and a call may name it a thousand times.
const PIECE_BYTES: usize = 16 << 20;

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
                    // Nobody types into a sandbox: standard input is at its end.
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

/// Writes each buffer of a vector until one is not taken whole, or a hard
/// interrupt comes.
fn gather(
    bytes: &Bytes<'_>,
    host: &mut Host,
    (vectors, count): (i32, i32),
    mut write: impl FnMut(&mut Host, &[u8]) -> Result<usize, Errno>,
) -> Result<u32, Failure> {
    let (mut total, mut moved) = (0_u32, Moved(0));
    for index in 0..vector_count(count)? {
        let (pointer, length) = bytes.vector(vectors, index)?;
        let buffer = bytes.slice(pointer, length)?;
        if buffer.is_empty() && total == 0 {
            // Whether the descriptor is one at all.
            write(host, buffer)?;
        }
        for piece in buffer.chunks(PIECE_BYTES) {
            match write(host, piece) {
                Ok(written) => {
                    total = total.saturating_add(written as u32);
                    if written < piece.len() || moved.is_stopped(host, written) {
                        return Ok(total);
                    }
                }
                // What went before is written; the error comes back at the
                // next call.
                Err(_) if total > 0 => return Ok(total),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
    Ok(total)
}

/// Fills each buffer of a vector until one is not filled whole, or a hard
/// interrupt comes.
fn scatter(
    bytes: &mut Bytes<'_>,
    host: &mut Host,
    (vectors, count): (i32, i32),
    mut read: impl FnMut(&mut Host, &mut [u8]) -> Result<usize, Errno>,
) -> Result<u32, Failure> {
    let (mut total, mut moved) = (0_u32, Moved(0));
    for index in 0..vector_count(count)? {
        let (pointer, length) = bytes.vector(vectors, index)?;
        let buffer = bytes.slice_mut(pointer, length)?;
        if buffer.is_empty() && total == 0 {
            // Whether the descriptor is one at all.
            read(host, buffer)?;
        }
        for piece in buffer.chunks_mut(PIECE_BYTES) {
            match read(host, piece) {
                Ok(got) => {
                    total = total.saturating_add(got as u32);
                    if got < piece.len() || moved.is_stopped(host, got) {
                        return Ok(total);
                    }
                }
                Err(_) if total > 0 => return Ok(total),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
    Ok(total)
}

/// Bytes moved since the last look at the interrupt.
struct Moved(usize);

impl Moved {
    /// Whether to stop after so many more: the guest finds the interrupt when
    /// the call returns.
    fn is_stopped(&mut self, host: &Host, bytes: usize) -> bool {
        self.0 += bytes;
        let looks = self.0 >= PIECE_BYTES;
        if looks {
            self.0 = 0;
        }
        looks && host.interrupter.pulse.is_hard()
    }
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
