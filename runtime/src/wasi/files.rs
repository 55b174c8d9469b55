//! Operations on open descriptors.

use super::answer::{MODULE, answer};
use super::stdio::{is_stream, not_a_stream};
use crate::host::Host;
use memex_filesystem::{DirEntry, Errno, FdStat, FileStat, FileType};
use wasmtime::{Caller, Linker};

type C<'a> = Caller<'a, Host>;

/// Bytes of a directory entry without its name.
const DIRENT_BYTES: usize = 24;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_prestat_get",
        |mut caller: C<'_>, fd: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                let length = host.files().fd_prestat_get(fd as u32)?;
                bytes.write_u32(out, 0)?;
                bytes.write_u32(out.wrapping_add(4), length)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_prestat_dir_name",
        |mut caller: C<'_>, fd: i32, path: i32, length: i32| {
            answer(&mut caller, |bytes, host| {
                let name = host.files().fd_prestat_dir_name(fd as u32)?;
                let name = name.as_bytes();
                let room = length as u32 as usize;
                bytes.write(path, name.get(..name.len().min(room)).unwrap_or_default())
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_close", |mut caller: C<'_>, fd: i32| {
        answer(&mut caller, |_, host| {
            // The standard streams belong to the host and stay.
            if !is_stream(fd) {
                host.files().fd_close(fd as u32)?;
            }
            Ok(())
        })
    })?;
    linker.func_wrap(
        MODULE,
        "fd_seek",
        |mut caller: C<'_>, fd: i32, offset: i64, whence: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                not_a_stream(fd)?;
                let whence = u8::try_from(whence).map_err(|_| Errno::Inval)?;
                let at = host.files().fd_seek(fd as u32, offset, whence)?;
                bytes.write_u64(out, at)
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_tell", |mut caller: C<'_>, fd: i32, out: i32| {
        answer(&mut caller, |bytes, host| {
            not_a_stream(fd)?;
            let at = host.files().fd_tell(fd as u32)?;
            bytes.write_u64(out, at)
        })
    })?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_get",
        |mut caller: C<'_>, fd: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                let stat = if is_stream(fd) {
                    stream_stat()
                } else {
                    host.files().fd_fdstat_get(fd as u32)?
                };
                bytes.write(out, &encode_fdstat(&stat))
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_flags",
        |mut caller: C<'_>, fd: i32, flags: i32| {
            answer(&mut caller, |_, host| {
                not_a_stream(fd)?;
                Ok(host.files().fd_fdstat_set_flags(fd as u32, flags as u16)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_get",
        |mut caller: C<'_>, fd: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                let stat = if is_stream(fd) {
                    stream_filestat(fd)
                } else {
                    host.files().fd_filestat_get(fd as u32)?
                };
                bytes.write(out, &encode_filestat(&stat))
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_set_size",
        |mut caller: C<'_>, fd: i32, size: i64| {
            answer(&mut caller, |_, host| {
                not_a_stream(fd)?;
                Ok(host.files().fd_filestat_set_size(fd as u32, size as u64)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_set_times",
        |mut caller: C<'_>, fd: i32, atim: i64, mtim: i64, flags: i32| {
            answer(&mut caller, |_, host| {
                not_a_stream(fd)?;
                let (atim, mtim) = (atim as u64, mtim as u64);
                Ok(host
                    .files()
                    .fd_filestat_set_times(fd as u32, atim, mtim, flags as u16)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_advise",
        |mut caller: C<'_>, fd: i32, offset: i64, length: i64, advice: i32| {
            answer(&mut caller, |_, host| {
                not_a_stream(fd)?;
                let advice = u8::try_from(advice).map_err(|_| Errno::Inval)?;
                let (offset, length) = (offset as u64, length as u64);
                Ok(host.files().fd_advise(fd as u32, offset, length, advice)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_allocate",
        |mut caller: C<'_>, fd: i32, offset: i64, length: i64| {
            answer(&mut caller, |_, host| {
                not_a_stream(fd)?;
                Ok(host
                    .files()
                    .fd_allocate(fd as u32, offset as u64, length as u64)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_renumber",
        |mut caller: C<'_>, from: i32, to: i32| {
            answer(&mut caller, |_, host| {
                not_a_stream(from)?;
                not_a_stream(to)?;
                Ok(host.files().fd_renumber(from as u32, to as u32)?)
            })
        },
    )?;
    for name in ["fd_sync", "fd_datasync"] {
        linker.func_wrap(MODULE, name, |mut caller: C<'_>, fd: i32| {
            answer(&mut caller, |_, host| {
                if !is_stream(fd) {
                    host.files().fd_sync(fd as u32)?;
                }
                Ok(())
            })
        })?;
    }
    linker.func_wrap(
        MODULE,
        "fd_readdir",
        |mut caller: C<'_>, fd: i32, buffer: i32, length: i32, cookie: i64, out: i32| {
            answer(&mut caller, |bytes, host| {
                not_a_stream(fd)?;
                let buffer = bytes.slice_mut(buffer, length)?;
                let most = buffer.len() / DIRENT_BYTES + 1;
                let entries = host.files().fd_readdir(fd as u32, cookie as u64, most)?;
                let used = encode_entries(entries, buffer);
                bytes.write_u32(out, used as u32)
            })
        },
    )?;
    link_sockets(linker)
}

/// There are no sockets, so every descriptor is the wrong kind.
fn link_sockets(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    const NOTSUP: i32 = Errno::Notsup as u16 as i32;
    linker.func_wrap(MODULE, "sock_accept", |_: i32, _: i32, _: i32| NOTSUP)?;
    linker.func_wrap(
        MODULE,
        "sock_recv",
        |_: i32, _: i32, _: i32, _: i32, _: i32, _: i32| NOTSUP,
    )?;
    linker.func_wrap(
        MODULE,
        "sock_send",
        |_: i32, _: i32, _: i32, _: i32, _: i32| NOTSUP,
    )?;
    linker.func_wrap(MODULE, "sock_shutdown", |_: i32, _: i32| NOTSUP)?;
    Ok(())
}

/// Output is captured and input is at its end: no stream is a terminal, which
/// is what a character device would be taken for.
fn stream_stat() -> FdStat {
    FdStat {
        filetype: FileType::Unknown,
        flags: 0,
        rights_base: memex_filesystem::RIGHT_FD_READ | memex_filesystem::RIGHT_FD_WRITE,
        rights_inheriting: 0,
    }
}

fn stream_filestat(fd: i32) -> FileStat {
    FileStat {
        dev: 0,
        ino: u64::from(fd.unsigned_abs()),
        filetype: FileType::Unknown,
        nlink: 1,
        size: 0,
        atim: 0,
        mtim: 0,
        ctim: 0,
    }
}

fn encode_fdstat(stat: &FdStat) -> [u8; 24] {
    let mut out = [0; 24];
    put(&mut out, 0, &[stat.filetype as u8]);
    put(&mut out, 2, &stat.flags.to_le_bytes());
    put(&mut out, 8, &stat.rights_base.to_le_bytes());
    put(&mut out, 16, &stat.rights_inheriting.to_le_bytes());
    out
}

pub(super) fn encode_filestat(stat: &FileStat) -> [u8; 64] {
    let mut out = [0; 64];
    put(&mut out, 0, &stat.dev.to_le_bytes());
    put(&mut out, 8, &stat.ino.to_le_bytes());
    put(&mut out, 16, &[stat.filetype as u8]);
    put(&mut out, 24, &stat.nlink.to_le_bytes());
    put(&mut out, 32, &stat.size.to_le_bytes());
    put(&mut out, 40, &stat.atim.to_le_bytes());
    put(&mut out, 48, &stat.mtim.to_le_bytes());
    put(&mut out, 56, &stat.ctim.to_le_bytes());
    out
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Fills `buffer` with directory entries; the last may be cut, as the protocol
/// has it, and is then asked for again.
fn encode_entries(entries: impl IntoIterator<Item = DirEntry>, buffer: &mut [u8]) -> usize {
    let mut used = 0;
    for entry in entries {
        let mut record = [0_u8; DIRENT_BYTES];
        put(&mut record, 0, &entry.next.to_le_bytes());
        put(&mut record, 8, &entry.ino.to_le_bytes());
        put(&mut record, 16, &(entry.name.len() as u32).to_le_bytes());
        put(&mut record, 20, &[entry.filetype as u8]);
        for piece in [&record[..], entry.name.as_bytes()] {
            let room = buffer.get_mut(used..).unwrap_or_default();
            let fits = piece.len().min(room.len());
            if let (Some(to), Some(from)) = (room.get_mut(..fits), piece.get(..fits)) {
                to.copy_from_slice(from);
            }
            used += fits;
            if fits < piece.len() {
                return used;
            }
        }
    }
    used
}
