//! Images in use: loaded once, shared by sandboxes.

use super::cache::Cache;
use super::code::LoadedCode;
use super::details::MEMORY_FILE;
use super::library::library;
use super::loading::Loading;
use super::map::GuestMap;
use super::packages::Packages;
use super::shelf::Shelved;
use super::spec::ImageSpec;
use crate::engine::Metering;
use crate::error::Error;
use crate::memory::{CAPACITY_BYTES, GUARD_BYTES, MemoryImage, SlotPool};
use memex_filesystem::NamespaceBuilder;
use memex_guest_python::{FetchOptions, GuestFiles, Wheel};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Slots that wait for their next session, at most.
const SLOTS_MAX: usize = 256;
/// Dirty pages up to which a slot is kept warm; past it, mapping the image anew
/// is cheaper.
const KEEP_PAGES: usize = 8192;

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
    map: Arc<GuestMap>,
    pool: Arc<SlotPool>,
    codes: Mutex<HashMap<(Metering, usize), Arc<LoadedCode>>>,
    /// The code that most policies need, while nobody has asked for it.
    loading: Mutex<Option<Loading>>,
}

impl Image {
    pub(super) fn of(
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
                map: Arc::new(description.map),
                pool: Arc::new(pool),
                codes: Mutex::default(),
                loading: Mutex::default(),
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

    /// Forgets the slots that earlier sessions left warm.
    pub fn cool(&self) {
        self.inner.pool.clear();
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(super) fn fetch(&self) -> &FetchOptions {
        &self.inner.fetch
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

    pub(crate) fn map(&self) -> &Arc<GuestMap> {
        &self.inner.map
    }

    pub(crate) fn pool(&self) -> &Arc<SlotPool> {
        &self.inner.pool
    }

    /// The guest's own files, as the beginning of a session's namespace.
    pub(crate) fn library(&self) -> Result<NamespaceBuilder, Error> {
        library(&self.inner.spec, &self.inner.files, &self.inner.packages)
    }

    /// The machine code that is loaded already.
    pub(super) fn loaded_code(&self, key: (Metering, usize)) -> Option<Arc<LoadedCode>> {
        self.inner.codes.lock().get(&key).cloned()
    }

    /// The image with code that is being loaded.
    pub(super) fn with_loading(self, loading: Option<Loading>) -> Self {
        *self.inner.loading.lock() = loading;
        self
    }

    /// What is being loaded, once.
    pub(super) fn take_loading(&self) -> Option<Loading> {
        self.inner.loading.lock().take()
    }

    /// Keeps machine code, unless there is some by now; gives what is kept.
    pub(super) fn keep_code(&self, key: (Metering, usize), code: LoadedCode) -> Arc<LoadedCode> {
        let mut codes = self.inner.codes.lock();
        Arc::clone(codes.entry(key).or_insert_with(|| Arc::new(code)))
    }
}
