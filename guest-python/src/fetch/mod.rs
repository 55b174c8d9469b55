//! Getting a guest's files, and finding them again.
//!
//! ```text
//! DIR/            0700, this user's
//!   module/python.wasm
//!   lib/python315.zip      alone there: the folder is what the guest is shown
//!   mpl-data/…             from an archive inside the standard library
//!   .lock                  held by the process that fetches
//!   .fetch-…               that process's temporary files
//! ```
//!
//! A file appears under its name only after its digest was found right and its
//! bytes are on disk; a fetch that is killed leaves temporary files only, which
//! the next one removes.

pub(crate) mod archive;
mod client;
mod data;
pub(crate) mod options;
mod place;
mod progress;
pub(crate) mod store;

pub use options::FetchOptions;
pub use progress::{FetchProgress, FetchStage};
pub use store::LOCK_FILE;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::manifest::{FileRole, GuestFile, Manifest};
use progress::steps;

/// The files of a guest on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestFiles {
    /// The WebAssembly module.
    pub module: PathBuf,
    /// The standard library archive, alone in its folder and named as the guest
    /// expects it: the folder can be mounted read-only in the place of the
    /// folder of the manifest's guest path.
    pub stdlib: PathBuf,
    /// Folders to mount read-only: the guest's path, and the host's. Mount them
    /// after the standard library's, which some of them lie under.
    pub data: Vec<(String, PathBuf)>,
}

/// Ensures that the files of a guest are in `dir`, and checks every digest.
///
/// What is there and right is kept, without the network; what is missing or
/// altered is fetched. Two processes that do this at once take turns.
///
/// # Errors
/// Each cause has its own: no Python, no pip, no network, no such package, a
/// digest that is not the pinned one, a full disk, a folder that others can
/// write to. What was right before is still there then.
pub fn fetch(
    manifest: &Manifest,
    dir: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<GuestFiles, Error> {
    let lock = store::open(dir)?;
    let scratch = store::scratch(dir)?;
    let mut wanted = Vec::new();
    for file in &manifest.files {
        let path = place::file(dir, file)?;
        match check_digest(&path, file, progress) {
            Ok(()) => {}
            Err(Error::NotFetched { .. } | Error::Altered { .. } | Error::Untrusted { .. }) => {
                wanted.push((file, path));
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(members) = &options.members {
        take_there(members, scratch.path(), &mut wanted, progress)?;
    }
    if let Some(installed) = &options.installed {
        take_installed(installed, scratch.path(), &mut wanted, progress)?;
    }
    if !wanted.is_empty() {
        let wheel = match &options.wheel {
            Some(wheel) => wheel.clone(),
            None => client::download(manifest, options, scratch.path(), progress)?,
        };
        archive::take_members(manifest, &wheel, scratch.path(), &wanted, progress)?;
    }
    let stdlib = place::file(dir, manifest.file(FileRole::Stdlib)?)?;
    for data in &manifest.data {
        let folder = dir.join(&data.name);
        if data::compare(data, &stdlib, &folder).is_err() {
            data::unpack(data, &stdlib, scratch.path(), &folder, progress)?;
        }
    }
    store::close(scratch, lock)?;
    locate(manifest, dir)
}

/// Takes files from a folder where they are named by their digests, and leaves
/// in `wanted` those that are not there.
fn take_there(
    members: &Path,
    scratch: &Path,
    wanted: &mut Vec<(&GuestFile, PathBuf)>,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), Error> {
    let mut missing = Vec::new();
    for (file, path) in wanted.drain(..) {
        let member = members.join(file.sha256.to_string());
        let Ok(mut reader) = File::open(&member) else {
            missing.push((file, path));
            continue;
        };
        take(&mut reader, &member, file, &path, scratch, progress)?;
    }
    *wanted = missing;
    Ok(())
}

/// Takes files from where the package was installed. What is not there, or is of
/// another version, stays in `wanted`.
fn take_installed(
    installed: &Path,
    scratch: &Path,
    wanted: &mut Vec<(&GuestFile, PathBuf)>,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), Error> {
    let mut missing = Vec::new();
    for (file, path) in wanted.drain(..) {
        let member = installed.join(&file.member);
        let there = member
            .metadata()
            .is_ok_and(|found| found.is_file() && found.len() == file.bytes);
        let opened = there.then(|| File::open(&member)).and_then(Result::ok);
        let Some(mut reader) = opened else {
            missing.push((file, path));
            continue;
        };
        match take(&mut reader, &member, file, &path, scratch, progress) {
            Ok(()) => {}
            Err(Error::Altered { .. }) => missing.push((file, path)),
            Err(error) => return Err(error),
        }
    }
    *wanted = missing;
    Ok(())
}

/// Copies one file of the guest into its place, if its digest is right.
fn take(
    reader: &mut File,
    member: &Path,
    file: &GuestFile,
    path: &Path,
    scratch: &Path,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        store::private_dir(folder)?;
    }
    let mut step = steps(FetchStage::Verify, file.bytes, progress);
    let mut bounded = reader.take(file.bytes.saturating_add(1));
    store::write(path, scratch, &mut bounded, &mut step, |digest, bytes| {
        if bytes != file.bytes || digest != file.sha256 {
            return Err(Error::Altered {
                path: member.to_owned(),
                reason: "its digest is not the pinned one",
            });
        }
        Ok(())
    })
}

/// Finds the files of a guest in `dir`, checking only what is cheap: that they
/// exist with the right sizes, and that only this user and root can have written
/// them.
///
/// # Errors
/// [`Error::NotFetched`], [`Error::Altered`] or [`Error::Untrusted`].
pub fn locate(manifest: &Manifest, dir: &Path) -> Result<GuestFiles, Error> {
    store::trusted_dir(dir)?;
    for file in &manifest.files {
        check_size(&place::file(dir, file)?, file)?;
    }
    let mut data = Vec::with_capacity(manifest.data.len());
    for archive in &manifest.data {
        let folder = dir.join(&archive.name);
        data::check_sizes(archive, &folder)?;
        data.push((archive.guest_path.clone(), folder));
    }
    Ok(GuestFiles {
        module: place::file(dir, manifest.file(FileRole::Module)?)?,
        stdlib: place::file(dir, manifest.file(FileRole::Stdlib)?)?,
        data,
    })
}

/// Finds the files of a guest as [`locate`] does and compares every byte of
/// them with what was fetched.
///
/// # Errors
/// Those of [`locate`]; [`Error::Altered`] names the file that differs.
pub fn verify(
    manifest: &Manifest,
    dir: &Path,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<GuestFiles, Error> {
    let files = locate(manifest, dir)?;
    for file in &manifest.files {
        check_digest(&place::file(dir, file)?, file, progress)?;
    }
    for archive in &manifest.data {
        data::compare(archive, &files.stdlib, &dir.join(&archive.name))?;
    }
    Ok(files)
}

fn check_size(path: &Path, file: &GuestFile) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        store::trusted_dir(folder)?;
    }
    let bytes = store::trusted_file(path)?.len();
    if bytes != file.bytes {
        return Err(Error::Altered {
            path: path.to_owned(),
            reason: "its size is not the pinned one",
        });
    }
    Ok(())
}

fn check_digest(
    path: &Path,
    file: &GuestFile,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), Error> {
    check_size(path, file)?;
    let mut reader = File::open(path).map_err(Error::io("open", path))?;
    let mut report = steps(FetchStage::Verify, file.bytes, progress);
    let (digest, _) =
        Sha256Digest::of_reader(&mut reader, &mut report).map_err(Error::io("read", path))?;
    if digest != file.sha256 {
        return Err(Error::Altered {
            path: path.to_owned(),
            reason: "its digest is not the pinned one",
        });
    }
    Ok(())
}
