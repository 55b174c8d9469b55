//! The packages of an image: an entry of the cache with wheels and their files.
//!
//! ```text
//! packages/KEY/     KEY: the guest, the packages asked for, and whether those that
//!                   the manifest pins are there too
//!   NAME-….whl      sealed, as every file of an entry
//!   site/…          their files; the guest is shown this folder
//!   entry.json      the record, which names every wheel and its digest
//! ```

use super::builder::Builder;
use super::cache::Cache;
use super::entry::Entry;
use super::files::remove_if_there;
use super::progress::{Progress, Stage};
use super::spec::ImageSpec;
use crate::error::Error;
use memex_guest_python::{
    FetchOptions, GuestFiles, Manifest, Requirement, Unpacked, Wheel, check_packages,
    compare_packages, fetch_standard, resolve_packages, unpack_packages,
};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

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
    /// Whether packages that were asked for came to these wheels.
    pub(super) fn were_added_as(&self, wheels: &[Wheel]) -> bool {
        !self.requirements.is_empty() && self.wheels == wheels
    }

    /// The keys that an entry with these packages can have now.
    pub(super) fn keys(&self, manifest: &Manifest) -> Vec<String> {
        let parsed = self
            .requirements
            .iter()
            .map(|text| Requirement::parse(text));
        let Ok(packages) = parsed.collect::<Result<Vec<_>, _>>() else {
            return Vec::new();
        };
        let keys = |standard_preload| {
            let spec = ImageSpec {
                packages: Vec::clone(&packages),
                standard_preload,
                ..ImageSpec::new(manifest.clone())
            };
            [spec.packages_key(), spec.packages_key_of(&self.wheels)]
        };
        [true, false].into_iter().flat_map(keys).collect()
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
        if !spec.has_packages() {
            return Ok(Some(Self::default()));
        }
        let key = spec.packages_key();
        let path = cache.entry_path(KIND, &key);
        if !path.exists() {
            return Ok(None);
        }
        Self::of_entry(Entry::open(&path, &key, false)?).map(Some)
    }

    /// The packages of an image that is there already: those that came to these
    /// wheels. A cache can hold two answers to one list of packages, its own
    /// and that of the machine that an image was pulled from.
    pub(super) fn exact(
        cache: &Cache,
        spec: &ImageSpec,
        wheels: &[Wheel],
    ) -> Result<Option<Self>, Error> {
        if wheels.is_empty() {
            return Ok(Some(Self::default()));
        }
        for key in [spec.packages_key(), spec.packages_key_of(wheels)] {
            let path = cache.entry_path(KIND, &key);
            if !path.exists() {
                continue;
            }
            let packages = Self::of_entry(Entry::open(&path, &key, false)?)?;
            if packages.wheels == wheels {
                return Ok(Some(packages));
            }
        }
        Ok(None)
    }

    /// Makes the entry of wheels that were already fetched when the image was
    /// built: `fill` puts them into the folder that it is given. Their
    /// digests are compared when they are unpacked.
    pub(super) fn adopt(
        cache: &Cache,
        spec: &ImageSpec,
        wheels: &[Wheel],
        progress: &mut dyn Progress,
        fill: impl FnOnce(&Path, &mut dyn Progress) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let first = spec.packages_key();
        let key = match cache.entry_path(KIND, &first).exists() {
            true => spec.packages_key_of(wheels),
            false => first,
        };
        let _lock = cache.lock(KIND, &key, progress)?;
        if let Ok(Some(packages)) = Self::exact(cache, spec, wheels) {
            return Ok(packages);
        }
        remove_if_there(&cache.entry_path(KIND, &key))?;
        cache.publish(KIND, &key, |directory| {
            fill(directory, progress)?;
            seal(directory, &key, &spec.requirements(), wheels.to_vec())
        })?;
        Self::of_entry(Entry::open(&cache.entry_path(KIND, &key), &key, false)?)
    }

    /// Where the entry of `spec` is, or would be.
    pub(super) fn place(cache: &Cache, spec: &ImageSpec) -> Option<PathBuf> {
        spec.has_packages()
            .then(|| cache.entry_path(KIND, &spec.packages_key()))
    }

    /// Compares every byte with what was fetched.
    pub(super) fn verify(&self) -> Result<(), Error> {
        let Some(path) = self.site.as_deref().and_then(Path::parent) else {
            return Ok(());
        };
        let key = path.file_name().unwrap_or_default().to_string_lossy();
        let entry = Entry::<PackagesDetails>::open(path, &key, true)?;
        let wheels = &entry.details.wheels;
        Ok(compare_packages(wheels, path, &path.join(SITE))?)
    }

    fn of_entry(entry: Entry<PackagesDetails>) -> Result<Self, Error> {
        let site = entry.directory.join(SITE);
        // The standard packages have thousands of files, and every process that starts
        // would pay for looking at each: `verify` does.
        if !entry.details.requirements.is_empty() || !site.is_dir() {
            check_packages(&site, entry.details.unpacked).map_err(|error| Error::Damaged {
                path: site.clone(),
                reason: error.to_string(),
            })?;
        }
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
            let mut wheels = standard(spec, &requirements, fetch, directory, progress)?;
            if !requirements.is_empty() {
                let added = resolve_packages(
                    &spec.manifest,
                    guest,
                    &requirements,
                    &wheels,
                    fetch,
                    directory,
                    &mut |bytes| progress.advance(bytes),
                )?;
                wheels.extend(added);
                wheels.sort_by(|a, b| a.file.cmp(&b.file));
            }
            seal(directory, key, &requirements, wheels)
        })?;
        self.progress.end();
        Ok(())
    }
}

/// Fetches the packages that the manifest pins. Where they cannot be had, the image is
/// built without them: the guest may have come without a network.
fn standard(
    spec: &ImageSpec,
    requirements: &[Requirement],
    fetch: &FetchOptions,
    directory: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<Wheel>, Error> {
    if spec.standard_packages().is_empty() {
        return Ok(Vec::new());
    }
    let fetched = fetch_standard(
        &spec.manifest,
        requirements,
        fetch,
        directory,
        &mut |bytes| progress.advance(bytes),
    );
    match fetched {
        Err(error) if error.is_out_of_reach() => {
            progress.note(&format!(
                "the image is built without its pure-Python packages (plotly, rich and others), \
                 until `memex image build --force`: {error}"
            ));
            clear(directory)?;
            Ok(Vec::new())
        }
        fetched => Ok(fetched?),
    }
}

/// Removes what an attempt left in a directory.
fn clear(directory: &Path) -> Result<(), Error> {
    for item in fs::read_dir(directory).map_err(Error::file("read", directory))? {
        let path = item.map_err(Error::file("read", directory))?.path();
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.map_err(Error::file("remove", &path))?;
    }
    Ok(())
}

/// Unpacks the wheels of a directory and makes it an entry.
fn seal(
    directory: &Path,
    key: &str,
    requirements: &[Requirement],
    wheels: Vec<Wheel>,
) -> Result<(), Error> {
    let unpacked = unpack_packages(&wheels, directory, &directory.join(SITE))?;
    let names: Vec<String> = wheels.iter().map(|wheel| wheel.file.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let details = PackagesDetails {
        requirements: requirements.iter().map(ToString::to_string).collect(),
        wheels,
        unpacked,
    };
    Entry::seal(directory, key, &names, &details)
}
