//! Loading images: found in the cache, built where they are not there.

use super::builder::Builder;
use super::cache::Cache;
use super::details::{CodeDetails, ImageDetails};
use super::entry::Entry;
use super::files::remove_if_there;
use super::loaded::Image;
use super::loading::Loading;
use super::packages::Packages;
use super::progress::{Progress, Stage};
use super::proof;
use super::self_test;
use super::shelf::{Shelved, expect_current};
use super::spec::ImageSpec;
use crate::engine::Metering;
use crate::error::Error;
use memex_guest_python::{FetchOptions, Manifest};

impl Image {
    /// Loads an image, building it first when the cache does not have it. One that was never
    /// proved, which an earlier version can have left, is proved, or built again.
    ///
    /// # Errors
    /// When the guest cannot be had, does not meet its manifest, or the cache
    /// cannot be trusted or written.
    pub fn load(
        cache: &Cache,
        spec: &ImageSpec,
        fetch: &FetchOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, Error> {
        let mut builder = Builder {
            cache,
            spec,
            fetch,
            progress,
        };
        let code = builder.code(Metering::Deadline)?;
        let loading = Loading::begin(&code, cache.cpu());
        let files = builder.guest()?;
        let packages = builder.packages(&files)?;
        let found = builder.image(&code, &files, &packages)?;
        let (name, key) = (found.name.clone(), found.description.inputs());
        let parts = (files.clone(), packages.clone());
        let image = Self::of(cache, spec, fetch, parts, found)?.with_loading(loading);
        match image.proved(&key, builder.progress) {
            Err(Error::Calibration(reason)) => {
                builder.progress.note(&format!("building again: {reason}"));
                remove_if_there(&cache.entry_path("images", &name))?;
                let found = builder.image(&code, &files, &packages)?;
                Self::of(cache, spec, fetch, (files, packages), found)
            }
            proved => proved,
        }
    }

    /// The image, which has passed its self-test: before, or now. `key` is that of its
    /// inputs.
    pub(super) fn proved(self, key: &str, progress: &mut dyn Progress) -> Result<Self, Error> {
        if proof::is_marked(self.path(), self.name()) {
            return Ok(self);
        }
        // In a cache that cannot be written, each process proves it for itself.
        let lock = self.cache().lock("images", key, progress).ok();
        if lock.is_none() || !proof::is_marked(self.path(), self.name()) {
            self_test::prove(&self, progress)?;
        }
        if lock.is_some() {
            // Without the mark it is proved again the next time.
            let _unmarked = proof::mark(self.path(), self.name());
        }
        Ok(self)
    }

    /// Loads the image of a name, or of the beginning of one: what a snapshot
    /// names, and what was pulled. Its code is compiled when the cache does not
    /// have it; the image itself cannot be made from its name.
    ///
    /// # Errors
    /// [`Error::NoImage`] and [`Error::ManyImages`]; [`Error::OtherImage`] for
    /// one that no session of this version starts from; and as
    /// [`Image::load`].
    pub fn open(
        cache: &Cache,
        name: &str,
        fetch: &FetchOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, Error> {
        let name = cache.image_name(name)?;
        let found = Shelved::open(cache, &name)?;
        let key = found.description.inputs();
        Self::open_shelved(cache, found, fetch, progress)?.proved(&key, progress)
    }

    pub(super) fn open_shelved(
        cache: &Cache,
        found: Shelved,
        fetch: &FetchOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, Error> {
        let manifest = Manifest::default_guest()?;
        expect_current(&found, &manifest)?;
        let spec = found.description.spec(&manifest);
        let spec = spec.ok_or_else(|| Error::OtherVersion {
            path: found.entry.directory.clone(),
        })?;
        let mut builder = Builder {
            cache,
            spec: &spec,
            fetch,
            progress,
        };
        let code = builder.code(Metering::Deadline)?;
        let loading = Loading::begin(&code, cache.cpu());
        let files = builder.guest()?;
        let wheels = &found.description.wheels;
        let packages = match Packages::exact(cache, &spec, wheels)? {
            Some(packages) => packages,
            None => builder.packages(&files)?,
        };
        if packages.wheels != *wheels {
            return Err(Error::NoPackages {
                packages: found.description.packages.clone(),
            });
        }
        let image = Self::of(cache, &spec, fetch, (files, packages), found)?;
        Ok(image.with_loading(loading))
    }

    /// Hashes every file of the image, its code and its guest.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Guest`] for the first that is not what
    /// it was.
    pub fn verify(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        let (cache, spec) = (self.cache(), self.spec());
        Entry::<ImageDetails>::open(self.path(), self.name(), true)?;
        let code = self.builder(progress).code(Metering::Deadline)?;
        let code_key = code
            .directory
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        Entry::<CodeDetails>::open(&code.directory, &code_key, true)?;
        let digest = spec.manifest.digest().to_string();
        let guests = cache.entry_path("guests", digest.get(..32).unwrap_or(&digest));
        progress.begin(Stage::Verify, None);
        memex_guest_python::verify(&spec.manifest, &guests, &mut |report| {
            progress.advance(report.done);
        })?;
        let verified = self.packages().verify();
        progress.end();
        verified
    }
}
