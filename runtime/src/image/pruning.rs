//! Finding and removing what the cache holds and this version has no use for:
//! entries of other versions and other machines, damaged ones, and what was
//! left of builds that were killed.

use super::cache::{Cache, EntryLock, TEMPORARY};
use super::compile::compatibility;
use super::details::CodeDetails;
use super::entry::Entry;
use super::packages::PackagesDetails;
use super::shelf::Shelved;
use super::spec::ImageSpec;
use crate::cpu::Cpu;
use crate::engine::{Metering, STACK_BYTES, engine};
use crate::error::Error;
use memex_guest_python::Manifest;
use memex_policies::check_plain_name;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every way in which code is compiled.
const METERINGS: [Metering; 3] = [Metering::Deadline, Metering::Fuel, Metering::Bare];
/// The folders of the cache whose entries are looked at.
const KINDS: [&str; 4] = ["images", "code", "packages", "guests"];

/// An entry of the cache that nothing of this version uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleEntry {
    /// `images`, `code`, `packages` or `guests`.
    pub kind: &'static str,
    /// The name of its directory.
    pub key: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// Why it is of no use, in words.
    pub reason: String,
}

impl Cache {
    /// What could be removed: the entries that no image of this version and
    /// guest needs. Images with other modules or packages are kept.
    ///
    /// # Errors
    /// When the cache cannot be read, or the engine does not support this
    /// machine.
    pub fn stale(&self, manifest: &Manifest) -> Result<Vec<StaleEntry>, Error> {
        let spec = ImageSpec::new(manifest.clone());
        let codes = current_codes(&spec)?;
        let digest = manifest.digest().to_string();
        let guest = digest.get(..32).unwrap_or(&digest);
        let mut stale = Vec::new();
        for kind in KINDS {
            let directory = self.root().join(kind);
            for item in fs::read_dir(&directory).map_err(Error::file("read", &directory))? {
                let item = item.map_err(Error::file("read", &directory))?;
                let key = item.file_name().to_string_lossy().into_owned();
                if check_plain_name(&key).is_err() {
                    // Not the name of an entry, so it is not from this program.
                    continue;
                }
                let path = item.path();
                let reason = if key.contains(TEMPORARY) {
                    Some("left by a build or a pull that was stopped".to_owned())
                } else {
                    match kind {
                        "images" => image_problem(self, &key, manifest),
                        "code" => code_problem(&path, &key, &codes),
                        "packages" => packages_problem(&path, &key, manifest),
                        _ => (key != guest).then(|| "another guest".to_owned()),
                    }
                };
                if let Some(reason) = reason {
                    stale.push(StaleEntry {
                        kind,
                        bytes: bytes_below(&path),
                        key,
                        reason,
                    });
                }
            }
        }
        stale.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
        Ok(stale)
    }

    /// Removes an entry. Sessions that run keep what they have mapped. Returns
    /// whether it was removed: not if another process is building it.
    ///
    /// # Errors
    /// [`Error::NoEntry`] if the cache has no such kind of entry, or the key is
    /// no plain name. When it cannot be removed.
    pub fn discard(&self, kind: &str, key: &str) -> Result<bool, Error> {
        if !KINDS.contains(&kind) || check_plain_name(key).is_err() {
            return Err(Error::NoEntry {
                kind: kind.to_owned(),
                key: key.to_owned(),
            });
        }
        let built = key.split(TEMPORARY).next().unwrap_or(key);
        let Some(_lock) = self.lock_for_removal(kind, built)? else {
            return Ok(false);
        };
        let directory = self.entry_path(kind, key);
        // Renamed first, so that no process opens a partially removed entry. Builds
        // remove directories of this name.
        let aside = self.entry_path(
            kind,
            &format!("{built}{TEMPORARY}removed-{}", std::process::id()),
        );
        match fs::rename(&directory, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            result => result.map_err(Error::file("remove", &directory))?,
        }
        fs::remove_dir_all(&aside).map_err(Error::file("remove", &aside))?;
        Ok(true)
    }

    /// Guests are locked by a file in their own folder.
    fn lock_for_removal(&self, kind: &str, key: &str) -> Result<Option<EntryLock>, Error> {
        if kind != "guests" {
            return self.try_lock(kind, key);
        }
        let path = self
            .entry_path(kind, key)
            .join(memex_guest_python::LOCK_FILE);
        EntryLock::try_file(&path)
    }
}

/// The keys of all code that this version could use here: of every way of
/// compiling, for every processor that this machine is.
fn current_codes(spec: &ImageSpec) -> Result<Vec<String>, Error> {
    let mut codes = Vec::new();
    for cpu in Cpu::ALL {
        for metering in METERINGS {
            match engine(metering, STACK_BYTES, cpu) {
                Ok(engine) => codes.push(spec.code_key(metering, &compatibility(&engine))),
                Err(Error::Cpu { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(codes)
}

const OUTDATED: &str = "made by another version";

fn image_problem(cache: &Cache, name: &str, manifest: &Manifest) -> Option<String> {
    match Shelved::open(cache, name) {
        Ok(image) if image.description.outdated(manifest).is_none() => None,
        Ok(_) | Err(Error::OtherVersion { .. }) => Some(OUTDATED.to_owned()),
        Err(error) => damage(&error),
    }
}

fn code_problem(path: &Path, key: &str, current: &[String]) -> Option<String> {
    if !current.iter().any(|current| current == key) {
        return Some("compiled by another version, or for another machine".to_owned());
    }
    match Entry::<CodeDetails>::open(path, key, false) {
        Ok(_) => None,
        Err(error) => damage(&error),
    }
}

fn packages_problem(path: &Path, key: &str, manifest: &Manifest) -> Option<String> {
    match Entry::<PackagesDetails>::open(path, key, false) {
        Ok(entry) if entry.details.keys(manifest).iter().any(|own| own == key) => None,
        Ok(_) | Err(Error::OtherVersion { .. }) => Some(OUTDATED.to_owned()),
        Err(error) => damage(&error),
    }
}

/// What is not private is for its owner to explain, and stays.
fn damage(error: &Error) -> Option<String> {
    match error {
        Error::NotPrivate { .. } => None,
        _ => Some("damaged".to_owned()),
    }
}

/// The bytes of all files below a directory.
pub(super) fn bytes_below(path: &Path) -> u64 {
    let mut pending: Vec<PathBuf> = vec![path.to_owned()];
    let mut bytes = 0_u64;
    while let Some(directory) = pending.pop() {
        for item in fs::read_dir(&directory).into_iter().flatten().flatten() {
            match item.metadata() {
                Ok(metadata) if metadata.is_dir() => pending.push(item.path()),
                Ok(metadata) => bytes = bytes.saturating_add(metadata.len()),
                Err(_) => {}
            }
        }
    }
    bytes
}
