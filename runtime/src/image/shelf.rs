//! Finding images in the cache: by what they were built from, and by name.

use super::cache::{Cache, TEMPORARY};
use super::description::Description;
use super::details::{ImageDetails, MEMORY_FILE};
use super::entry::Entry;
use super::secret::ImageSecret;
use crate::error::Error;
use memex_guest_python::Manifest;
use std::fs;
use std::path::Path;

/// Letters of a name; earlier versions had shorter ones.
const NAME_LETTERS: usize = 64;

/// An image that opens, and whose description is that of its name.
#[derive(Debug)]
pub(super) struct Shelved {
    pub(super) name: String,
    pub(super) entry: Entry<ImageDetails>,
    pub(super) description: Description,
}

impl Shelved {
    /// Opens the image of a name.
    pub(super) fn open(cache: &Cache, name: &str) -> Result<Self, Error> {
        Self::open_in(&cache.entry_path("images", name), name)
    }

    /// Opens an image that has not got its place yet, to prove it: whatever is in its place
    /// is found and used by every process.
    pub(super) fn open_in(directory: &Path, name: &str) -> Result<Self, Error> {
        let entry = Entry::open(directory, name, false)?;
        Self::of(entry, name, Description::read(directory, name)?)
    }

    fn of(entry: Entry<ImageDetails>, name: &str, description: Description) -> Result<Self, Error> {
        let recorded = entry.digests.get(MEMORY_FILE);
        if recorded != Some(&description.memory.blake3) {
            return Err(Error::Damaged {
                path: entry.directory,
                reason: "its record and its description are of different memories".into(),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            entry,
            description,
        })
    }

    /// When it was pulled; 0 if it was built here.
    fn pulled_unix_ms(&self) -> u64 {
        let pulled = self.entry.details.pulled.as_ref();
        pulled.map_or(0, |pulled| pulled.unix_ms)
    }
}

/// The result of a search.
pub(super) struct Search {
    pub(super) found: Option<Shelved>,
    /// Images that cannot be opened: the one that was searched may be among
    /// them.
    pub(super) problems: Vec<Error>,
}

impl Cache {
    /// The image of a recipe: with this secret if there is one, else with the
    /// cache's own, else the one that was pulled last.
    pub(super) fn search(
        &self,
        recipe: &str,
        secret: Option<&ImageSecret>,
    ) -> Result<Search, Error> {
        let own = match secret {
            Some(secret) => Some(secret.clone()),
            None => self.secret_if_there()?,
        };
        let own = own.map(|own| own.tag());
        let mut candidates = Vec::new();
        let mut problems = Vec::new();
        for name in self.image_names()? {
            // A description proves itself by its name. The rest is looked at only
            // where it matters: a cache that was copied is hashed on first sight.
            let directory = self.entry_path("images", &name);
            let opened = match Description::read(&directory, &name) {
                Ok(description) if description.recipe == recipe => {
                    Entry::open(&directory, &name, false)
                        .and_then(|entry| Shelved::of(entry, &name, description))
                }
                Ok(_) | Err(Error::OtherVersion { .. }) => continue,
                Err(_) if name.len() != NAME_LETTERS => continue,
                Err(error) => Err(error),
            };
            match opened {
                Ok(image) => candidates.push(image),
                Err(error) => problems.push(error),
            }
        }
        candidates.retain(|image| {
            let is_own = own.as_ref() == Some(&image.description.secret);
            is_own || (secret.is_none() && image.entry.details.pulled.is_some())
        });
        let rank = |image: &Shelved| {
            let is_own = own.as_ref() == Some(&image.description.secret);
            (is_own, image.pulled_unix_ms(), image.name.clone())
        };
        Ok(Search {
            found: candidates.into_iter().max_by_key(rank),
            problems,
        })
    }

    /// The full name of the image whose name begins with `key`.
    ///
    /// # Errors
    /// [`Error::NoImage`] and [`Error::ManyImages`].
    pub fn image_name(&self, key: &str) -> Result<String, Error> {
        one_of(self.image_names()?, key, &self.root().display().to_string())
    }

    /// The names of all images, whole or not, in order.
    pub(super) fn image_names(&self) -> Result<Vec<String>, Error> {
        let directory = self.root().join("images");
        let mut names = Vec::new();
        for item in fs::read_dir(&directory).map_err(Error::file("read", &directory))? {
            let item = item.map_err(Error::file("read", &directory))?;
            let name = item.file_name().to_string_lossy().into_owned();
            if !name.contains(TEMPORARY) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

/// The one name that begins with `key`.
pub(super) fn one_of(names: Vec<String>, key: &str, place: &str) -> Result<String, Error> {
    let shown = || key.escape_debug().take(80).collect();
    let mut fitting: Vec<String> = names
        .into_iter()
        .filter(|name| !key.is_empty() && name.starts_with(key))
        .collect();
    match fitting.len() {
        0 => Err(Error::NoImage {
            key: shown(),
            place: place.to_owned(),
        }),
        1 => Ok(fitting.remove(0)),
        _ => Err(Error::ManyImages {
            key: shown(),
            names: fitting,
        }),
    }
}

/// Refuses an image that no session of this version can start from.
pub(super) fn expect_current(image: &Shelved, manifest: &Manifest) -> Result<(), Error> {
    match image.description.outdated(manifest) {
        None => Ok(()),
        Some(why) => Err(Error::OtherImage {
            name: image.name.clone(),
            why,
        }),
    }
}
