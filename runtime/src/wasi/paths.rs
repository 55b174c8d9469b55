//! Operations on paths, relative to a directory's descriptor.

use super::answer::{MODULE, answer};
use super::files::encode_filestat;
use crate::host::Host;
use wasmtime::{Caller, Linker};

type C<'a> = Caller<'a, Host>;

#[rustfmt::skip]
pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "path_open",
        |mut caller: C<'_>, dir: i32, lookup: i32, path: i32, length: i32, oflags: i32,
         base: i64, inheriting: i64, fdflags: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                let path = bytes.path(path, length)?;
                let fd = host.files().path_open(
                    dir as u32, lookup as u32, path, oflags as u16,
                    base as u64, inheriting as u64, fdflags as u16,
                )?;
                bytes.write_u32(out, fd)
            })
        })?;
    linker.func_wrap(MODULE, "path_create_directory",
        |mut caller: C<'_>, dir: i32, path: i32, length: i32| {
            answer(&mut caller, |bytes, host| {
                let path = bytes.path(path, length)?;
                Ok(host.files().path_create_directory(dir as u32, path)?)
            })
        })?;
    linker.func_wrap(MODULE, "path_remove_directory",
        |mut caller: C<'_>, dir: i32, path: i32, length: i32| {
            answer(&mut caller, |bytes, host| {
                let path = bytes.path(path, length)?;
                Ok(host.files().path_remove_directory(dir as u32, path)?)
            })
        })?;
    linker.func_wrap(MODULE, "path_unlink_file",
        |mut caller: C<'_>, dir: i32, path: i32, length: i32| {
            answer(&mut caller, |bytes, host| {
                let path = bytes.path(path, length)?;
                Ok(host.files().path_unlink_file(dir as u32, path)?)
            })
        })?;
    linker.func_wrap(MODULE, "path_filestat_get",
        |mut caller: C<'_>, dir: i32, flags: i32, path: i32, length: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                let path = bytes.path(path, length)?;
                let stat = host.files().path_filestat_get(dir as u32, flags as u32, path)?;
                bytes.write(out, &encode_filestat(&stat))
            })
        })?;
    linker.func_wrap(MODULE, "path_filestat_set_times",
        |mut caller: C<'_>, dir: i32, flags: i32, path: i32, length: i32,
         atim: i64, mtim: i64, fst_flags: i32| {
            answer(&mut caller, |bytes, host| {
                let path = bytes.path(path, length)?;
                Ok(host.files().path_filestat_set_times(
                    dir as u32, flags as u32, path, atim as u64, mtim as u64, fst_flags as u16,
                )?)
            })
        })?;
    linker.func_wrap(MODULE, "path_link",
        |mut caller: C<'_>, old_dir: i32, flags: i32, old: i32, old_length: i32,
         new_dir: i32, new: i32, new_length: i32| {
            answer(&mut caller, |bytes, host| {
                let old = bytes.path(old, old_length)?;
                let new = bytes.path(new, new_length)?;
                Ok(host.files().path_link(old_dir as u32, flags as u32, old, new_dir as u32, new)?)
            })
        })?;
    linker.func_wrap(MODULE, "path_rename",
        |mut caller: C<'_>, old_dir: i32, old: i32, old_length: i32,
         new_dir: i32, new: i32, new_length: i32| {
            answer(&mut caller, |bytes, host| {
                let old = bytes.path(old, old_length)?;
                let new = bytes.path(new, new_length)?;
                Ok(host.files().path_rename(old_dir as u32, old, new_dir as u32, new)?)
            })
        })?;
    linker.func_wrap(MODULE, "path_symlink",
        |mut caller: C<'_>, target: i32, target_length: i32, dir: i32, path: i32, length: i32| {
            answer(&mut caller, |bytes, host| {
                let target = bytes.path(target, target_length)?;
                let path = bytes.path(path, length)?;
                Ok(host.files().path_symlink(target, dir as u32, path)?)
            })
        })?;
    linker.func_wrap(MODULE, "path_readlink",
        |mut caller: C<'_>, dir: i32, path: i32, length: i32, buffer: i32, room: i32, out: i32| {
            answer(&mut caller, |bytes, host| {
                let path = bytes.path(path, length)?;
                let target = host.files().path_readlink(dir as u32, path)?;
                let target: &[u8] = target.as_ref();
                let fits = target.len().min(room as u32 as usize);
                bytes.write(buffer, target.get(..fits).unwrap_or_default())?;
                bytes.write_u32(out, fits as u32)
            })
        })?;
    Ok(())
}
