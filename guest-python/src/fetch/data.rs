//! Folders of data, unpacked from archives inside the standard library.

use std::fs::{self, File};
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use super::archive::{find, plain_path};
use super::progress::{FetchProgress, FetchStage, steps};
use super::store;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::manifest::DataArchive;

/// Unpacks an archive beside its place and puts it there in one step.
pub(super) fn unpack(
    data: &DataArchive,
    stdlib: &Path,
    scratch: &Path,
    folder: &Path,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), Error> {
    let unpacked = scratch.join(&data.name);
    store::private_dir(&unpacked)?;
    let mut step = steps(FetchStage::Unpack, data.unpacked_bytes, progress);
    for_each_file(data, stdlib, |relative, bytes| {
        let path = unpacked.join(relative);
        if let Some(parent) = path.parent() {
            store::private_dir(parent)?;
        }
        store::write(&path, scratch, &mut &*bytes, &mut step, |_, _| Ok(()))
    })?;
    if fs::symlink_metadata(folder).is_ok() {
        let old = scratch.join(format!("{}.old", data.name));
        fs::rename(folder, &old).map_err(Error::io("replace", folder))?;
    }
    fs::rename(&unpacked, folder).map_err(Error::io("write", folder))?;
    store::sync_parent(folder)
}

/// Refuses a folder with other files than the archive's, or other bytes in them.
pub(super) fn compare(data: &DataArchive, stdlib: &Path, folder: &Path) -> Result<(), Error> {
    check_sizes(data, folder)?;
    for_each_file(data, stdlib, |relative, expected| {
        let path = folder.join(relative);
        let found = fs::read(&path).map_err(Error::io("read", &path))?;
        if found != expected {
            return Err(Error::Altered {
                path,
                reason: "it is not as it was in its archive",
            });
        }
        Ok(())
    })
}

/// Refuses a folder that has not the right number of files and bytes, or that
/// others could have written to.
pub(super) fn check_sizes(data: &DataArchive, folder: &Path) -> Result<(), Error> {
    let (files, bytes) = store::measure(folder, data.files)?;
    if files != data.files || bytes != data.unpacked_bytes {
        return Err(Error::Altered {
            path: folder.to_owned(),
            reason: "it does not hold the files of its archive",
        });
    }
    Ok(())
}

/// Calls `use_file` with every file of an archive: its relative path, made of
/// plain names only, and its bytes. No more is read than the manifest says
/// there is.
fn for_each_file(
    data: &DataArchive,
    stdlib: &Path,
    mut use_file: impl FnMut(&Path, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let refusal = |member: &str, reason| Error::Member {
        path: stdlib.join(&data.archive),
        member: member.to_owned(),
        reason,
    };
    let inner_path = stdlib.join(&data.archive);
    let mut archive = ZipArchive::new(Cursor::new(read_archive(data, stdlib)?))
        .map_err(Error::archive(&inner_path))?;
    let mut left = data.unpacked_bytes;
    let mut files = 0;
    for index in 0..archive.len() {
        let mut member = archive
            .by_index(index)
            .map_err(Error::archive(&inner_path))?;
        let name = member
            .name()
            .map_err(Error::archive(&inner_path))?
            .into_owned();
        if member.is_dir() {
            continue;
        }
        let path = plain_path(&name, member.unix_mode())
            .ok_or_else(|| refusal(&name, "it is not a regular file at a plain relative path"))?;
        let mut bytes = Vec::new();
        (&mut member)
            .take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(Error::io("read", &inner_path))?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| refusal(&name, "the files have more bytes than the manifest says"))?;
        files += 1;
        if files > data.files {
            return Err(refusal(
                &name,
                "there are more files than the manifest says",
            ));
        }
        use_file(&path, &bytes)?;
    }
    if files < data.files || left > 0 {
        return Err(refusal(
            "",
            "there are fewer files or bytes than the manifest says",
        ));
    }
    Ok(())
}

/// The archive's own bytes, found right.
fn read_archive(data: &DataArchive, stdlib: &Path) -> Result<Vec<u8>, Error> {
    let file = File::open(stdlib).map_err(Error::io("open", stdlib))?;
    let mut outer = ZipArchive::new(BufReader::new(file)).map_err(Error::archive(stdlib))?;
    let member = find(&mut outer, stdlib, &data.archive)?;
    let mut bytes = Vec::new();
    member
        .take(data.bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::io("read", stdlib))?;
    let reason = if bytes.len() as u64 != data.bytes {
        "its size is not the pinned one"
    } else if Sha256Digest::of(&bytes) != data.sha256 {
        "its digest is not the pinned one"
    } else {
        return Ok(bytes);
    };
    Err(Error::Member {
        path: stdlib.to_owned(),
        member: data.archive.clone(),
        reason,
    })
}
