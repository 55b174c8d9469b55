//! Images in use: loaded once, shared by sandboxes.

use super::build::{Builder, CODE_FILE, CodeDetails, ImageDetails, MEMORY_FILE};
use super::cache::Cache;
use super::calibration::library;
use super::code::LoadedCode;
use super::entry::Entry;
use super::map::GuestMap;
use super::packages::Packages;
use super::progress::{Progress, Stage};
use super::self_test;
use super::shelf::{Shelved, expect_current};
use super::spec::ImageSpec;
use crate::engine::{CAPACITY_BYTES, GUARD_BYTES, Metering};
use crate::error::Error;
use crate::memory::{MemoryImage, SlotPool};
use memex_filesystem::NamespaceBuilder;
use memex_guest_python::{FetchOptions, GuestFiles, Manifest, Wheel};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A built image, loaded. Sessions of every policy start from it; cheap to
/// clone, safe to share between threads.
#[derive(Clone)]
pub struct Image {
    inner: Arc<Inner>,
}

struct Inner {
    cache: Cache,
    spec: ImageSpec,
    fetch: FetchOptions,
    files: GuestFiles,
    packages: Packages,
    name: String,
    name_bytes: [u8; 32],
    path: PathBuf,
    map: GuestMap,
    pool: Arc<SlotPool>,
    codes: Mutex<HashMap<(Metering, usize), Arc<LoadedCode>>>,
}

impl Image {
    /// Loads an image, building it first when the cache does not have it.
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
        let files = builder.guest()?;
        let code = builder.code(Metering::Deadline)?;
        let packages = builder.packages(&files)?;
        let (found, is_new) = builder.image(&code, &files, &packages)?;
        let image = Self::of(cache, spec, fetch, (files, packages), found)?;
        if is_new {
            image.prove(progress)?;
        }
        Ok(image)
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
        let found = Shelved::open(cache, &name, false)?;
        Self::open_shelved(cache, found, fetch, progress)
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
        let files = builder.guest()?;
        builder.code(Metering::Deadline)?;
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
        Self::of(cache, &spec, fetch, (files, packages), found)
    }

    /// Proves an image that is new here; one that fails is removed.
    pub(super) fn prove(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        progress.begin(Stage::SelfTest, None);
        if let Err(error) = self_test::run(self) {
            let path = self.path();
            fs::remove_dir_all(path).map_err(Error::file("remove", path))?;
            return Err(error);
        }
        progress.end();
        Ok(())
    }

    /// Builds the code for another metering when the cache does not have it.
    ///
    /// # Errors
    /// As [`Image::load`].
    pub fn prepare(&self, metering: Metering, progress: &mut dyn Progress) -> Result<(), Error> {
        let Inner {
            cache, spec, fetch, ..
        } = &*self.inner;
        Builder {
            cache,
            spec,
            fetch,
            progress,
        }
        .code(metering)
        .map(|_| ())
    }

    fn of(
        cache: &Cache,
        spec: &ImageSpec,
        fetch: &FetchOptions,
        (files, packages): (GuestFiles, Packages),
        found: Shelved,
    ) -> Result<Self, Error> {
        let Shelved {
            name,
            entry,
            description,
        } = found;
        let path = entry.directory.join(MEMORY_FILE);
        let damaged = |reason: &str| Error::Damaged {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        let bytes = usize::try_from(description.memory.bytes)
            .map_err(|_| damaged("it is larger than this machine's memory"))?;
        if !description.map.fits(bytes) {
            return Err(damaged("it names addresses outside of itself"));
        }
        let file = File::open(&path).map_err(Error::file("open", &path))?;
        // A mapping beyond the end of its file ends the process on first touch.
        let there = file.metadata().map_err(Error::file("read", &path))?.len();
        if there != description.memory.bytes {
            return Err(damaged("it has not the size that its description states"));
        }
        let memory = MemoryImage::new(file, bytes).map_err(Error::file("map", &path))?;
        let name_bytes = blake3::Hash::from_hex(&name)
            .map(|hash| *hash.as_bytes())
            .map_err(|_| damaged("its name is not a digest"))?;
        let pool = SlotPool::new(
            Arc::new(memory),
            CAPACITY_BYTES,
            GUARD_BYTES,
            SLOTS_MAX,
            KEEP_PAGES,
        );
        Ok(Self {
            inner: Arc::new(Inner {
                cache: cache.clone(),
                spec: spec.clone(),
                fetch: fetch.clone(),
                files,
                packages,
                name,
                name_bytes,
                path: entry.directory,
                map: description.map,
                pool: Arc::new(pool),
                codes: Mutex::default(),
            }),
        })
    }

    /// The name: the BLAKE3 digest, in hexadecimal, of what the image is. It
    /// covers the memory, the map of it, and what its code is compiled from; a
    /// snapshot names its image by it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The wheels of the packages that were added, dependencies included.
    #[must_use]
    pub fn wheels(&self) -> &[Wheel] {
        &self.inner.packages.wheels
    }

    pub(crate) fn name_bytes(&self) -> [u8; 32] {
        self.inner.name_bytes
    }

    /// Where the image is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Bytes of memory that a session starts with.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.inner.pool.image().len() as u64
    }

    /// Hashes every file of the image, its code and its guest.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Guest`] for the first that is not what
    /// it was.
    pub fn verify(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        let Inner {
            cache,
            spec,
            fetch,
            name,
            path,
            packages,
            ..
        } = &*self.inner;
        Entry::<ImageDetails>::open(path, name, true)?;
        let code = Builder {
            cache,
            spec,
            fetch,
            progress,
        }
        .code(Metering::Deadline)?;
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
        let verified = packages.verify();
        progress.end();
        verified
    }

    /// Forgets the slots that earlier sessions left warm.
    pub fn cool(&self) {
        self.inner.pool.clear();
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(super) fn spec(&self) -> &ImageSpec {
        &self.inner.spec
    }

    pub(super) fn files(&self) -> &GuestFiles {
        &self.inner.files
    }

    pub(super) fn packages(&self) -> &Packages {
        &self.inner.packages
    }

    pub(crate) fn map(&self) -> &GuestMap {
        &self.inner.map
    }

    pub(crate) fn pool(&self) -> &Arc<SlotPool> {
        &self.inner.pool
    }

    /// The guest's own files, as the beginning of a session's namespace.
    pub(crate) fn library(&self) -> Result<NamespaceBuilder, Error> {
        library(&self.inner.spec, &self.inner.files, &self.inner.packages)
    }

    /// The machine code for a metering and a stack size, compiled when it is
    /// not in the cache and loaded when it is not in this process.
    pub(crate) fn code(
        &self,
        metering: Metering,
        stack_bytes: usize,
        progress: &mut dyn Progress,
    ) -> Result<Arc<LoadedCode>, Error> {
        let key = (metering, stack_bytes);
        if let Some(code) = self.inner.codes.lock().get(&key) {
            return Ok(Arc::clone(code));
        }
        let Inner {
            cache, spec, fetch, ..
        } = &*self.inner;
        let entry = Builder {
            cache,
            spec,
            fetch,
            progress,
        }
        .code(metering)?;
        let path = entry.directory.join(CODE_FILE);
        let code = Arc::new(LoadedCode::load(&path, metering, stack_bytes, cache.cpu())?);
        Ok(Arc::clone(
            self.inner.codes.lock().entry(key).or_insert(code),
        ))
    }
}

/// Slots that wait for their next session, at most.
const SLOTS_MAX: usize = 256;
/// Dirty pages up to which a slot is kept warm; past it, mapping the image anew
/// is cheaper.
const KEEP_PAGES: usize = 8192;
