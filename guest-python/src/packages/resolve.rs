//! Resolving a list of packages to wheels, and fetching them.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, absolute};

use super::alternatives::instead_of;
use super::bundled::{bundled, is_stub, write_stubs};
use super::record::Wheel;
use super::requirement::{Requirement, normal_name};
use super::wheel::{WHEEL_MAX_BYTES, named};
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::fetch::{FetchOptions, GuestFiles, store};
use crate::manifest::Manifest;
use crate::pip::{Call, Ended, Said};

/// Most wheels of one image, dependencies included.
const WHEELS_MAX: usize = 200;
/// Most bytes that are downloaded, copies of the package client included.
const DOWNLOAD_MAX_BYTES: u64 = 512 << 20;

/// Where the package client works, inside of the folder that gets the wheels.
const WORK: &str = ".pip";
/// What is advised where nothing is known to serve.
const OTHERWISE: &str =
    "name a version with a wheel that ends in `-none-any.whl`, or another package";
/// Most versions that a message names.
const OFFERED_MAX: usize = 5;
/// Most contradictions that a message names.
const CONFLICT_LINES_MAX: usize = 8;

/// Downloads the wheels of `requirements` and of all that they need beyond the
/// guest's own packages and `standard` into `folder`. `progress` is told how many
/// bytes there are.
///
/// The Python package client decides on versions; it evaluates the markers of
/// dependencies (`; python_version < "3.12"`) for its own interpreter.
///
/// # Errors
/// One for each cause: a package or version that is not there, no pure-Python
/// wheel of it, packages that contradict each other or the guest's own, no
/// Python, no pip, no network, more than is taken.
pub fn resolve_packages(
    manifest: &Manifest,
    guest: &GuestFiles,
    requirements: &[Requirement],
    standard: &[Wheel],
    options: &FetchOptions,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Wheel>, Error> {
    let mut bundled = bundled(&guest.stdlib)?;
    for requirement in requirements {
        if let Some(version) = bundled.get(requirement.name())
            && version != requirement.version()
        {
            return Err(Error::PackageBundled {
                name: requirement.name().to_owned(),
                bundled: version.clone(),
                asked: requirement.version().to_owned(),
            });
        }
    }
    for wheel in standard {
        bundled.insert(wheel.name.clone(), wheel.version.clone());
    }
    let work = absolute(folder.join(WORK)).map_err(Error::io("find", folder))?;
    for part in ["stubs", "wheels"] {
        store::private_dir(&work.join(part))?;
    }
    write_stubs(&bundled, &work.join("stubs"), &work.join("constraints.txt"))?;
    let python = manifest.python_version()?;
    let wanted: Vec<String> = requirements.iter().map(ToString::to_string).collect();
    let said = ask(&python, &wanted, options, &work, progress)?;
    if !said.status.success() {
        return Err(diagnose(&said, &wanted.join(" "), &python, &work));
    }
    let wheels = take(&work.join("wheels"), folder)?;
    fs::remove_dir_all(&work).map_err(Error::io("remove", &work))?;
    Ok(wheels)
}

fn ask(
    python: &str,
    wanted: &[String],
    options: &FetchOptions,
    work: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Said, Error> {
    let mut arguments: Vec<&OsStr> = [
        "--python-version",
        python,
        "--find-links",
        "stubs",
        "-c",
        "constraints.txt",
        "-d",
        "wheels",
        "--",
    ]
    .map(OsStr::new)
    .to_vec();
    arguments.extend(wanted.iter().map(OsStr::new));
    let call = Call {
        options,
        folder: work,
        arguments: &arguments,
        are_pure: true,
        bytes_max: DOWNLOAD_MAX_BYTES,
    };
    match call.run(progress)? {
        Ended::Done(said) => Ok(said),
        Ended::TooLarge => Err(Error::PackagesTooLarge {
            reason: format!("they have more than {} MiB", DOWNLOAD_MAX_BYTES >> 20),
        }),
    }
}

/// Moves what was downloaded to its place, without the stubs.
fn take(from: &Path, folder: &Path) -> Result<Vec<Wheel>, Error> {
    let mut wheels = Vec::new();
    for entry in fs::read_dir(from).map_err(Error::io("list", from))? {
        let entry = entry.map_err(Error::io("list", from))?;
        let path = entry.path();
        let file = entry.file_name().to_string_lossy().into_owned();
        let (name, version) = named(&file)?;
        if is_stub(&version) {
            continue;
        }
        // The client's files are as its umask says.
        let private = Permissions::from_mode(0o600);
        fs::set_permissions(&path, private).map_err(Error::io("protect", &path))?;
        let bytes = store::trusted_file(&path)?.len();
        if bytes > WHEEL_MAX_BYTES {
            let reason = format!("{file} has more than {} MiB", WHEEL_MAX_BYTES >> 20);
            return Err(Error::PackagesTooLarge { reason });
        }
        if wheels.len() == WHEELS_MAX {
            let reason = format!("with what they need, there are more than {WHEELS_MAX}");
            return Err(Error::PackagesTooLarge { reason });
        }
        let mut reader = File::open(&path).map_err(Error::io("open", &path))?;
        let digest = Sha256Digest::of_reader(&mut reader, &mut |_| {});
        let (sha256, _) = digest.map_err(Error::io("read", &path))?;
        reader.sync_all().map_err(Error::io("write", &path))?;
        fs::rename(&path, folder.join(&file)).map_err(Error::io("write", folder))?;
        wheels.push(Wheel {
            name: normal_name(&name),
            version,
            file,
            sha256,
        });
    }
    wheels.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(wheels)
}

/// Interpreting the client's messages.
fn diagnose(said: &Said, wanted: &str, python: &str, work: &Path) -> Error {
    const UNSATISFIED: &str = "Could not find a version that satisfies the requirement ";
    if said.is_disk_full() {
        return Error::DiskFull {
            path: work.to_owned(),
        };
    }
    if let Some(detail) = conflict(said) {
        return Error::PackageConflict { detail };
    }
    if let Some(detail) = said.network_error() {
        return Error::NoNetwork {
            package: wanted.to_owned(),
            detail,
        };
    }
    let unsatisfied = said
        .log
        .lines()
        .find_map(|line| Some(line.split_once(UNSATISFIED)?.1));
    let Some(unsatisfied) = unsatisfied else {
        return Error::ClientFailed {
            package: wanted.to_owned(),
            status: said.status.to_string(),
            detail: said.detail(),
        };
    };
    let (package, offered) = match unsatisfied.split_once(" (from versions: ") {
        Some((package, offered)) => (package, offered.trim_end().trim_end_matches(')')),
        None => (unsatisfied, "none"),
    };
    let (package, needed) = match package.split_once(" (from ") {
        Some((package, from)) => {
            let from = from.trim_end_matches(')');
            (package, format!(", which {from} needs,"))
        }
        None => (package, String::new()),
    };
    let name_end = package
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .unwrap_or(package.len());
    let (name, asked) = package.split_at(name_end);
    if offered != "none" {
        let newest: Vec<&str> = offered.rsplit(", ").take(OFFERED_MAX).collect();
        return Error::PackageVersion {
            name: name.to_owned(),
            asked: asked.trim_start_matches("==").to_owned(),
            needed,
            offered: newest.join(", "),
        };
    }
    if was_passed_over(said, name) {
        let asked = wanted
            .split_whitespace()
            .map(|one| one.split("==").next().unwrap_or(one));
        let instead = std::iter::once(name).chain(asked).find_map(instead_of);
        return Error::PackageNative {
            package: package.to_owned(),
            needed,
            python: python.to_owned(),
            instead: instead.unwrap_or(OTHERWISE).to_owned(),
        };
    }
    Error::PackageUnknown {
        name: name.to_owned(),
        needed,
    }
}

/// The contradictions that the client lists, if that is why it gave up.
fn conflict(said: &Said) -> Option<String> {
    if !said.says("ERROR: ResolutionImpossible") {
        return None;
    }
    let lines: Vec<&str> = said
        .log
        .lines()
        .skip_while(|line| !line.contains("The conflict is caused by"))
        .skip(1)
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .take(CONFLICT_LINES_MAX)
        .collect();
    Some(match lines.is_empty() {
        true => said.detail(),
        false => lines.join("; "),
    })
}

/// Whether the client saw files of the package, none of which fits the guest.
fn was_passed_over(said: &Said, name: &str) -> bool {
    const REASONS: [&str; 2] = ["none of the wheel's tags", "No sources permitted"];
    let spelt = normal_name(name).replace('-', "_");
    said.log.lines().any(|line| {
        let line = line.to_ascii_lowercase().replace(['-', '.'], "_");
        REASONS
            .iter()
            .any(|reason| line.contains(&reason.to_ascii_lowercase()))
            && line.contains(&spelt)
    })
}
