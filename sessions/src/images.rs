//! The images that sessions of this process start from, each loaded once.

use std::sync::Arc;

use memex_policies::Policy;
use memex_runtime::{Cache, FetchOptions, Image, Progress, Runtime, Sandbox};
use parking_lot::Mutex;

use crate::error::Error;
use crate::image_defaults::ImageDefaults;
use crate::spec::ImageSource;

/// Images that are kept loaded; the one that was used longest ago goes first.
const LOADED_MAX: usize = 16;

/// The images of a cache directory, and the engine that they run on. Cheap to
/// clone; clones share what is loaded.
#[derive(Clone)]
pub struct Images {
    cache: Cache,
    engine: Runtime,
    defaults: Arc<ImageDefaults>,
    fetch: Arc<FetchOptions>,
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
            defaults: Arc::default(),
            fetch: Arc::default(),
            loaded: Arc::default(),
        })
    }

    /// The same images, where sources do not say what they are built from.
    /// Default: [`ImageDefaults::default`].
    #[must_use]
    pub fn with_defaults(self, defaults: ImageDefaults) -> Self {
        Self {
            defaults: Arc::new(defaults),
            // What an empty source is, follows from them.
            loaded: Arc::default(),
            ..self
        }
    }

    /// The same images, with another way to get what they are built from. Default:
    /// [`FetchOptions::default`], so an environment that is empty.
    #[must_use]
    pub fn with_fetch(self, fetch: FetchOptions) -> Self {
        Self {
            fetch: Arc::new(fetch),
            ..self
        }
    }

    /// The cache.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The image of a source, loaded. One that is named has to be there; another
    /// is built on first need.
    ///
    /// # Errors
    /// [`Error::NameAndMore`], those of [`ImageDefaults::spec`], and
    /// [`Error::Runtime`] when there is no image of its name, or it cannot be
    /// built.
    pub fn image(&self, source: &ImageSource, progress: &mut dyn Progress) -> Result<Image, Error> {
        let known = self.take_loaded(source);
        let image = match known {
            Some(image) => image,
            // Not under the lock: a build takes minutes.
            None => self.load(source, progress)?,
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

    fn load(&self, source: &ImageSource, progress: &mut dyn Progress) -> Result<Image, Error> {
        let ImageSource {
            name,
            preload,
            packages,
        } = source;
        let fetch = &self.fetch;
        match name {
            None => {
                let spec = self.defaults.spec(preload, packages)?;
                Ok(Image::load(&self.cache, &spec, fetch, progress)?)
            }
            Some(_) if !preload.is_empty() || !packages.is_empty() => Err(Error::NameAndMore),
            Some(name) => Ok(Image::open(&self.cache, name, fetch, progress)?),
        }
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
