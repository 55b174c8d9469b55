//! The images of a cache, for people.

use super::cache::Cache;
use super::description::DESCRIPTION_FILE;
use super::pruning::bytes_below;
use super::shelf::Shelved;
use crate::error::Error;
use memex_guest_python::{Manifest, Wheel};
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// An image found in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedImage {
    /// Its name: the digest of what it is, and the name of its directory.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Modules imported besides the standard ones, as recorded; empty when
    /// the entry cannot be read.
    pub preload: Vec<String>,
    /// Packages that were asked for, as `NAME==VERSION`.
    pub packages: Vec<String>,
    /// The resolved wheels, dependencies included.
    pub wheels: Vec<Wheel>,
    /// The store that it was pulled from, unless it was built here.
    pub pulled_from: Option<String>,
    /// When it was built or pulled; nothing if its description cannot be found.
    pub made: Option<SystemTime>,
    /// What is wrong with it, if something is.
    pub problem: Option<String>,
    /// Whether it is whole, but made by another version, which no session of
    /// this one starts from.
    pub is_outdated: bool,
}

impl Cache {
    /// The images that are there, by name.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn images(&self) -> Result<Vec<CachedImage>, Error> {
        let manifest = Manifest::default_guest()?;
        let mut images = Vec::new();
        for name in self.image_names()? {
            let (found, problem, is_outdated) = match Shelved::open(self, &name) {
                Ok(image) => {
                    let is_outdated = image.description.outdated(&manifest).is_some();
                    (Some(image), None, is_outdated)
                }
                Err(Error::OtherVersion { .. }) => (None, None, true),
                Err(error) => (None, Some(error.to_string()), false),
            };
            let pulled = found
                .as_ref()
                .and_then(|image| image.entry.details.pulled.clone());
            let (preload, packages, wheels) = found
                .map(|image| image.description)
                .map(|told| (told.preload, told.packages, told.wheels))
                .unwrap_or_default();
            let path = self.entry_path("images", &name);
            images.push(CachedImage {
                bytes: bytes_below(&path),
                made: fs::metadata(path.join(DESCRIPTION_FILE))
                    .and_then(|metadata| metadata.modified())
                    .ok(),
                name,
                path,
                preload,
                packages,
                wheels,
                pulled_from: pulled.map(|pulled| pulled.from),
                problem,
                is_outdated,
            });
        }
        Ok(images)
    }
}
