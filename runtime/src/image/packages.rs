//! The packages of an image: an entry of the cache with wheels and their files.
//!
//! ```text
//! packages/KEY/     KEY: the guest and the packages asked for
//!   NAME-….whl      sealed, as every file of an entry
//!   site/…          their files; the guest is shown this folder
//!   entry.json      the record, which names every wheel and its digest
//! ```

use super::build::Builder;
use super::cache::Cache;
use super::entry::Entry;
use super::progress::Stage;
use super::spec::ImageSpec;
use crate::error::Error;
use memex_guest_python::{
    GuestFiles, Manifest, Requirement, Unpacked, Wheel, check_packages, compare_packages,
    resolve_packages, unpack_packages,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const KIND: &str = "packages";
const SITE: &str = "site";

/// What the record of a packages entry adds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackagesDetails {
    requirements: Vec<String>,
    wheels: Vec<Wheel>,
    unpacked: Unpacked,
}

impl PackagesDetails {
    /// The key that an entry with these packages has now.
    pub(super) fn key(&self, manifest: &Manifest) -> Option<String> {
        let parsed = self
            .requirements
            .iter()
            .map(|text| Requirement::parse(text));
        let spec = ImageSpec {
            packages: parsed.collect::<Result<_, _>>().ok()?,
            ..ImageSpec::new(manifest.clone())
        };
        Some(spec.packages_key())
    }
}

/// The packages of an image, in the cache.
#[derive(Debug, Clone, Default)]
pub(super) struct Packages {
    /// The wheels, in the order of their file names.
    pub(super) wheels: Vec<Wheel>,
    /// What the guest is shown; nothing for an image without packages.
    pub(super) site: Option<PathBuf>,
}

impl Packages {
    /// The packages of `spec` as they are in the cache; `None` when they are
    /// not there.
    pub(super) fn find(cache: &Cache, spec: &ImageSpec) -> Result<Option<Self>, Error> {
        if spec.packages.is_empty() {
            return Ok(Some(Self::default()));
        }
        let key = spec.packages_key();
        let path = cache.entry_path(KIND, &key);
        if !path.exists() {
            return Ok(None);
        }
        Self::of_entry(Entry::open(&path, &key, false)?).map(Some)
    }

    /// Where the entry of `spec` is, or would be.
    pub(super) fn place(cache: &Cache, spec: &ImageSpec) -> Option<PathBuf> {
        let has_some = !spec.packages.is_empty();
        has_some.then(|| cache.entry_path(KIND, &spec.packages_key()))
    }

    /// Compares every byte with what was fetched.
    pub(super) fn verify(cache: &Cache, spec: &ImageSpec) -> Result<(), Error> {
        let Some(path) = Self::place(cache, spec) else {
            return Ok(());
        };
        let entry = Entry::<PackagesDetails>::open(&path, &spec.packages_key(), true)?;
        let wheels = &entry.details.wheels;
        Ok(compare_packages(wheels, &path, &path.join(SITE))?)
    }

    fn of_entry(entry: Entry<PackagesDetails>) -> Result<Self, Error> {
        let site = entry.directory.join(SITE);
        check_packages(&site, entry.details.unpacked).map_err(|error| Error::Damaged {
            path: site.clone(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            wheels: entry.details.wheels,
            site: Some(site),
        })
    }
}

impl Builder<'_> {
    /// The packages, fetched when they are not there.
    pub(super) fn packages(&mut self, guest: &GuestFiles) -> Result<Packages, Error> {
        if let Ok(Some(packages)) = Packages::find(self.cache, self.spec) {
            return Ok(packages);
        }
        let key = self.spec.packages_key();
        let _lock = self.cache.lock(KIND, &key, self.progress)?;
        let there = self.cache.open_or_discard(KIND, &key, self.progress)?;
        if let Some(entry) = there {
            let path = entry.directory.clone();
            match Packages::of_entry(entry) {
                Ok(packages) => return Ok(packages),
                Err(error) => {
                    self.progress.note(&format!("fetching again: {error}"));
                    std::fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
                }
            }
        }
        self.fetch_packages(guest, &key)?;
        let path = self.cache.entry_path(KIND, &key);
        Packages::of_entry(Entry::open(&path, &key, false)?)
    }

    fn fetch_packages(&mut self, guest: &GuestFiles, key: &str) -> Result<(), Error> {
        let requirements = self.spec.requirements();
        let (spec, fetch, progress) = (self.spec, self.fetch, &mut *self.progress);
        progress.begin(Stage::Packages, None);
        self.cache.publish(KIND, key, |directory| {
            let wheels = resolve_packages(
                &spec.manifest,
                guest,
                &requirements,
                fetch,
                directory,
                &mut |bytes| progress.advance(bytes),
            )?;
            let unpacked = unpack_packages(&wheels, directory, &directory.join(SITE))?;
            let names: Vec<String> = wheels.iter().map(|wheel| wheel.file.clone()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let details = PackagesDetails {
                requirements: requirements.iter().map(ToString::to_string).collect(),
                wheels,
                unpacked,
            };
            Entry::seal(directory, key, &names, &details)
        })?;
        self.progress.end();
        Ok(())
    }
}
