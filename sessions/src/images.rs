//! The images that sessions of this process start from, each loaded once.

use std::sync::Arc;

use memex_policies::Policy;
use memex_runtime::{
    Cache, FetchOptions, Image, ImagePlaces, ImageSpec, Metering, Progress, Requirement, Runtime,
    Sandbox,
};
use parking_lot::Mutex;

use crate::{Error, ImageSource};

/// Images that are kept loaded; the one that was used longest ago goes first.
const LOADED_MAX: usize = 16;

/// The images of a cache directory, and the engine that they run on. Cheap to
/// clone; clones share what is loaded.
#[derive(Clone)]
pub struct Images {
    cache: Cache,
    engine: Runtime,
    loaded: Arc<Mutex<Vec<(ImageSource, Image)>>>,
}

impl Images {
    /// The images of a cache.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the engine cannot be started.
    pub fn open(cache: Cache) -> Result<Self, Error> {
        Ok(Self {
            cache,
            engine: Runtime::new()?,
            loaded: Arc::default(),
        })
    }

    /// The cache.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The image of a source, loaded, and built on first need.
    ///
    /// # Errors
    /// [`Error::Module`], [`Error::Packages`], [`Error::NoImage`],
    /// [`Error::OldImage`], and [`Error::Runtime`] when it cannot be built.
    pub fn image(&self, source: &ImageSource, progress: &mut dyn Progress) -> Result<Image, Error> {
        let known = self.take_loaded(source);
        let image = match known {
            Some(image) => image,
            // Not under the lock: a build takes minutes.
            None => {
                let spec = image_spec(&self.cache, source)?;
                Image::load(&self.cache, &spec, &FetchOptions::default(), progress)?
            }
        };
        let mut loaded = self.loaded.lock();
        loaded.retain(|(other, _)| other != source);
        if loaded.len() >= LOADED_MAX {
            loaded.remove(0);
        }
        loaded.push((source.clone(), image.clone()));
        Ok(image)
    }

    /// The image of a source, bound to a policy.
    ///
    /// # Errors
    /// As [`Images::image`], and [`Error::Runtime`] when a granted directory
    /// cannot be opened.
    pub fn sandbox(
        &self,
        source: &ImageSource,
        policy: Arc<Policy>,
        progress: &mut dyn Progress,
    ) -> Result<Sandbox, Error> {
        let image = self.image(source, progress)?;
        Ok(Sandbox::new(&self.engine, &image, policy, progress)?)
    }

    fn take_loaded(&self, source: &ImageSource) -> Option<Image> {
        let loaded = self.loaded.lock();
        let known = loaded.iter().find(|(other, _)| other == source);
        known.map(|(_, image)| image.clone())
    }
}

impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Images")
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// What the runtime builds for a source.
///
/// # Errors
/// As [`Images::image`].
pub fn image_spec(cache: &Cache, source: &ImageSource) -> Result<ImageSpec, Error> {
    match &source.key {
        None => image_spec_with(&source.preload, &source.packages),
        Some(_) if !source.preload.is_empty() || !source.packages.is_empty() => {
            Err(Error::KeyAndMore)
        }
        Some(key) => image_spec_of_key(cache, key),
    }
}

/// The specification of an image in the cache.
///
/// # Errors
/// [`Error::NoImage`] and [`Error::OldImage`].
pub fn image_spec_of_key(cache: &Cache, key: &str) -> Result<ImageSpec, Error> {
    let images = cache.images()?;
    let mut found = images.iter().filter(|image| image.key.starts_with(key));
    let (Some(image), None) = (found.next(), found.next()) else {
        return Err(Error::NoImage {
            key: key.to_owned(),
        });
    };
    let spec = image_spec_with(&image.preload, &image.packages)?;
    let places = ImagePlaces::of(cache, &spec, Metering::Deadline)?;
    match places.key == image.key {
        true => Ok(spec),
        false => Err(Error::OldImage {
            key: image.key.clone(),
        }),
    }
}

/// The standard image with more modules and packages.
///
/// # Errors
/// [`Error::Module`] and [`Error::Packages`].
pub fn image_spec_with(preload: &[String], packages: &[String]) -> Result<ImageSpec, Error> {
    let mut spec = ImageSpec::standard()?;
    for package in packages {
        let requirement = Requirement::parse(package).map_err(memex_runtime::Error::from)?;
        if let Some(other) = spec
            .packages
            .iter()
            .find(|other| other.name() == requirement.name() && **other != requirement)
        {
            return Err(Error::Packages {
                first: other.to_string(),
                second: requirement.to_string(),
            });
        }
        spec.packages.push(requirement);
    }
    for module in preload {
        if !module.split('.').all(is_identifier) {
            return Err(Error::Module {
                name: module.clone(),
            });
        }
        if !spec.preload.contains(module) {
            spec.preload.push(module.clone());
        }
    }
    Ok(spec)
}

/// Whether Python could take it as a name, as far as this can be told without
/// asking it.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && text.chars().next().is_some_and(|c| !c.is_numeric())
}
