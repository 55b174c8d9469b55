//! The packages of the standard image, whose wheels the manifest pins.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, absolute};

use super::record::Wheel;
use super::requirement::{Requirement, normal_name};
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::fetch::{FetchOptions, store};
use crate::manifest::{Manifest, Package};
use crate::pip::{Call, Ended, diagnose};

/// Where the package client works, inside of the folder that gets the wheels.
const WORK: &str = ".pip-standard";
/// The client may keep a second copy for a moment, and small files of its own.
const COPIES_MAX: u64 = 2;
const EXTRA_BYTES: u64 = 64 << 20;

/// Puts the wheels of a manifest into `folder`, except those of packages that are asked
/// for by `instead`. They are taken from beside the wheel of `options` if they are
/// there, and else downloaded; each has the digest that is pinned.
///
/// # Errors
/// As [`crate::fetch`]; [`Error::is_out_of_reach`] says whether the packages could not
/// be had, rather than were not those that are pinned.
pub fn fetch_standard(
    manifest: &Manifest,
    instead: &[Requirement],
    options: &FetchOptions,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Wheel>, Error> {
    let is_wanted = |package: &&Package| {
        let name = normal_name(&package.name);
        !instead.iter().any(|other| other.name() == name)
    };
    let wanted: Vec<&Package> = manifest.wheels.iter().filter(is_wanted).collect();
    let beside = options.wheel.as_deref().and_then(Path::parent);
    let mut missing = Vec::new();
    for package in &wanted {
        let there = beside.map(|beside| beside.join(&package.wheel));
        match there.filter(|path| path.is_file()) {
            Some(path) => {
                let to = folder.join(&package.wheel);
                fs::copy(&path, &to).map_err(Error::io("copy", &path))?;
                accept(package, &to)?;
            }
            None => missing.push(*package),
        }
    }
    if !missing.is_empty() {
        download(manifest, &missing, options, folder, progress)?;
    }
    let mut wheels: Vec<Wheel> = wanted.into_iter().map(recorded).collect();
    wheels.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(wheels)
}

fn download(
    manifest: &Manifest,
    packages: &[&Package],
    options: &FetchOptions,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let work = absolute(folder.join(WORK)).map_err(Error::io("find", folder))?;
    store::private_dir(&work)?;
    let requirements = work.join("requirements.txt");
    let pin = |package: &&Package| {
        let (name, version) = (&package.name, &package.version);
        format!("{name}=={version} --hash=sha256:{}\n", package.sha256)
    };
    let pins: String = packages.iter().map(pin).collect();
    fs::write(&requirements, pins).map_err(Error::io("write", &requirements))?;
    let python = manifest.python_version()?;
    let arguments = [
        "--no-deps",
        "--require-hashes",
        "--python-version",
        &python,
        "-r",
        "requirements.txt",
        "-d",
        "wheels",
    ]
    .map(OsStr::new);
    let total = packages.iter().map(|package| package.bytes);
    let total = total.fold(0, u64::saturating_add);
    let call = Call {
        options,
        folder: &work,
        arguments: &arguments,
        are_pure: true,
        bytes_max: total.saturating_mul(COPIES_MAX).saturating_add(EXTRA_BYTES),
    };
    let said = match call.run(progress)? {
        Ended::Done(said) => said,
        Ended::TooLarge => {
            return Err(Error::PackagesTooLarge {
                reason: format!("they have more than the {total} bytes that are pinned"),
            });
        }
    };
    for package in packages {
        let from = work.join("wheels").join(&package.wheel);
        if !said.status.success() || !from.is_file() {
            return Err(diagnose(&said, package, &work));
        }
        let to = folder.join(&package.wheel);
        fs::rename(&from, &to).map_err(Error::io("write", folder))?;
        accept(package, &to)?;
    }
    fs::remove_dir_all(&work).map_err(Error::io("remove", &work))
}

/// Makes the wheel private, and refuses one that is not the pinned one.
fn accept(package: &Package, path: &Path) -> Result<(), Error> {
    let private = Permissions::from_mode(0o600);
    fs::set_permissions(path, private).map_err(Error::io("protect", path))?;
    let mut reader = File::open(path).map_err(Error::io("open", path))?;
    let digest = Sha256Digest::of_reader(&mut reader, &mut |_| {});
    let (found, _) = digest.map_err(Error::io("read", path))?;
    if found != package.sha256 {
        return Err(Error::PackageDigest {
            package: package.wheel.clone(),
            expected: package.sha256,
            found: found.to_string(),
        });
    }
    reader.sync_all().map_err(Error::io("write", path))
}

fn recorded(package: &Package) -> Wheel {
    Wheel {
        name: normal_name(&package.name),
        version: package.version.clone(),
        file: package.wheel.clone(),
        sha256: package.sha256,
    }
}
