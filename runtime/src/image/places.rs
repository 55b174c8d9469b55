//! Where the parts of an image lie, without building or opening them.

use super::cache::Cache;
use super::compile::compatibility;
use super::packages::Packages;
use super::spec::ImageSpec;
use crate::engine::{Metering, STACK_BYTES, engine};
use crate::error::Error;
use std::path::PathBuf;

/// The places of an image's two entries in a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePlaces {
    /// The name of the image, if it is there and whole.
    pub name: Option<String>,
    /// The key of its machine code, built or not.
    pub code_key: String,
    /// The directory of its machine code, built or not.
    pub code: PathBuf,
}

impl ImagePlaces {
    /// Where the image of `spec` is.
    ///
    /// # Errors
    /// When the engine does not support this machine; [`Error::NoPackages`] when
    /// the packages of `spec` were never fetched, on which the key depends.
    pub fn of(cache: &Cache, spec: &ImageSpec, metering: Metering) -> Result<Self, Error> {
        let found = match Packages::find(cache, spec)? {
            Some(packages) => {
                let sources = memex_guest_python::PYTHON_SOURCES;
                let recipe = spec.recipe(sources, &packages.wheels);
                cache.search(&recipe, spec.secret.as_ref())?.found
            }
            // Those that the manifest pins come with the first build.
            None if spec.packages.is_empty() => None,
            None => {
                let requirements = spec.requirements();
                let packages = requirements.iter().map(ToString::to_string).collect();
                return Err(Error::NoPackages { packages });
            }
        };
        let engine = engine(metering, STACK_BYTES, cache.cpu())?;
        let code_key = spec.code_key(metering, &compatibility(&engine));
        Ok(Self {
            name: found.map(|image| image.name),
            code: cache.entry_path("code", &code_key),
            code_key,
        })
    }

    /// Where the packages of `spec` are, or would be; nowhere without any.
    #[must_use]
    pub fn packages_of(cache: &Cache, spec: &ImageSpec) -> Option<PathBuf> {
        Packages::place(cache, spec)
    }

    /// Whether both entries are there; the code may yet turn out to be damaged.
    #[must_use]
    pub fn exist(&self) -> bool {
        self.name.is_some() && self.code.is_dir()
    }
}
