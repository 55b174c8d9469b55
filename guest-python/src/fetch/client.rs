//! The guest's package, downloaded by the Python package client.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf, absolute};

use super::options::FetchOptions;
use super::progress::{FetchProgress, FetchStage};
use crate::error::Error;
use crate::manifest::Manifest;
use crate::pip::{Call, Ended, diagnose, pinned};

/// The client may keep a second copy for a moment, and small files of its own.
const COPIES_MAX: u64 = 2;
const EXTRA_BYTES: u64 = 64 << 20;

/// Downloads the package into `scratch` and gives the path of the wheel.
pub(super) fn download(
    manifest: &Manifest,
    options: &FetchOptions,
    scratch: &Path,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<PathBuf, Error> {
    let package = &manifest.package;
    let scratch = absolute(scratch).map_err(Error::io("find", scratch))?;
    let requirements = scratch.join("requirements.txt");
    let pin = format!("{} --hash=sha256:{}\n", pinned(package), package.sha256);
    fs::write(&requirements, pin).map_err(Error::io("write", &requirements))?;
    let total = package.bytes;
    let arguments = [
        "--no-deps",
        "--require-hashes",
        "--ignore-requires-python",
        "-r",
        "requirements.txt",
        "-d",
        "wheel",
    ]
    .map(OsStr::new);
    let call = Call {
        options,
        folder: &scratch,
        arguments: &arguments,
        are_pure: false,
        bytes_max: total.saturating_mul(COPIES_MAX).saturating_add(EXTRA_BYTES),
    };
    let mut done = 0;
    let ended = call.run(&mut |size| {
        if size.min(total) > done {
            done = size.min(total);
            let stage = FetchStage::Download;
            progress(FetchProgress { stage, done, total });
        }
    })?;
    let said = match ended {
        Ended::Done(said) => said,
        Ended::TooLarge => {
            return Err(Error::PackageDigest {
                package: pinned(package),
                expected: package.sha256,
                found: format!("it has more than the {total} bytes of the pinned one"),
            });
        }
    };
    let wheel = scratch.join("wheel").join(&package.wheel);
    if said.status.success() && wheel.is_file() {
        return Ok(wheel);
    }
    Err(diagnose(&said, package, &scratch))
}
