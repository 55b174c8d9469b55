//! What a process gives to the sessions that it opens.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memex_external::{ProgressCallback, Supervisor};
use memex_host_tools::Tool;
use memex_runtime::{Cache, Cpu, FetchOptions};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::error::Error;
use crate::image_defaults::ImageDefaults;
use crate::images::Images;

/// Gives the tokio runtime of the process.
type Runtimes = Arc<dyn Fn() -> io::Result<Handle> + Send + Sync>;
/// Makes the tool `ask_user`.
type Askers = Arc<dyn Fn() -> Arc<dyn Tool> + Send + Sync>;

/// What a process gives to the sessions that it opens, whatever their specs
/// say. A front end makes one; cheap to clone.
///
/// Defaults: no cache and no data directory, code for this processor, the
/// standard image, no variables, nobody to ask, and the progress of tool servers
/// is not reported.
#[derive(Clone)]
pub struct Host {
    runtime: Runtimes,
    cache: Option<PathBuf>,
    cpu: Cpu,
    image_defaults: ImageDefaults,
    guest_package: Option<PathBuf>,
    data: Option<PathBuf>,
    pub(crate) variables: BTreeMap<String, OsString>,
    pub(crate) store_variables: BTreeMap<String, String>,
    asker: Option<Askers>,
    pub(crate) tool_progress: ProgressCallback,
    pub(crate) supervisor: Option<Supervisor>,
    images: Arc<Mutex<Option<Images>>>,
}

impl Host {
    /// A host whose tools run on `runtime`, which must have I/O and time
    /// enabled, several threads, and outlive the sessions.
    #[must_use]
    pub fn new(runtime: Handle) -> Self {
        Self::starting(move || Ok(runtime.clone()))
    }

    /// As [`Host::new`], for a process that starts its runtime when the first
    /// session has tools: one without any costs no threads.
    #[must_use]
    pub fn starting(runtime: impl Fn() -> io::Result<Handle> + Send + Sync + 'static) -> Self {
        Self {
            runtime: Arc::new(runtime),
            cache: None,
            cpu: Cpu::default(),
            image_defaults: ImageDefaults::default(),
            guest_package: None,
            data: None,
            variables: BTreeMap::new(),
            store_variables: BTreeMap::new(),
            asker: None,
            tool_progress: Arc::new(|_| {}),
            supervisor: None,
            images: Arc::default(),
        }
    }

    /// The directory of guests, code and images; sessions need one. Default:
    /// none.
    #[must_use]
    pub fn cache_directory(mut self, directory: Option<PathBuf>) -> Self {
        self.cache = directory;
        self.images = Arc::default();
        self
    }

    /// The processor that machine code is compiled for. Default: this one.
    #[must_use]
    pub fn cpu(mut self, cpu: Cpu) -> Self {
        self.cpu = cpu;
        self.images = Arc::default();
        self
    }

    /// What images are built from where specs do not say. Default:
    /// [`ImageDefaults::default`].
    #[must_use]
    pub fn image_defaults(mut self, defaults: ImageDefaults) -> Self {
        self.image_defaults = defaults;
        self.images = Arc::default();
        self
    }

    /// A directory into which the guest's package was installed, such as a Python
    /// environment's `site-packages`: its files are taken from there if their digests are
    /// right, and downloaded otherwise. Default: none.
    #[must_use]
    pub fn guest_package(mut self, directory: Option<PathBuf>) -> Self {
        self.guest_package = directory;
        self
    }

    /// The directory of saved sessions whose spec names no place, and of shared
    /// scratches. Default: none.
    #[must_use]
    pub fn data_directory(mut self, directory: Option<PathBuf>) -> Self {
        self.data = directory;
        self
    }

    /// Environment variables that tool files may pass on to the processes of
    /// tools, and of which the Python package client gets those of its own
    /// configuration; `PATH` is where programs are looked for. Default: none.
    #[must_use]
    pub fn variables(mut self, variables: BTreeMap<String, OsString>) -> Self {
        self.variables = variables;
        self.images = Arc::default();
        self
    }

    /// Options of remote stores, by the names of the environment variables that
    /// others read them from, such as `AWS_REGION`. Default: none.
    #[must_use]
    pub fn store_variables(mut self, variables: BTreeMap<String, String>) -> Self {
        self.store_variables = variables;
        self
    }

    /// Makes the tool `ask_user` of sessions whose code may ask the user.
    /// Default: none, and specs that grant it are refused.
    #[must_use]
    pub fn asker(mut self, asker: impl Fn() -> Arc<dyn Tool> + Send + Sync + 'static) -> Self {
        self.asker = Some(Arc::new(asker));
        self
    }

    /// What happens while servers of tool files start. Default: not reported.
    #[must_use]
    pub fn tool_progress(mut self, progress: ProgressCallback) -> Self {
        self.tool_progress = progress;
        self
    }

    /// What stands between this process and the processes of tools, and ends them when
    /// this process is killed. Default: none, and such processes may outlive a kill.
    #[must_use]
    pub fn supervisor(mut self, supervisor: Option<Supervisor>) -> Self {
        self.supervisor = supervisor;
        self
    }

    /// The tokio runtime that was handed down.
    ///
    /// # Errors
    /// [`Error::Threads`] when it cannot be started.
    pub fn runtime(&self) -> Result<Handle, Error> {
        (self.runtime)().map_err(Error::Threads)
    }

    /// The images of the cache directory, opened on first use and shared by
    /// clones of this host.
    ///
    /// # Errors
    /// [`Error::NoCacheDirectory`], and [`Error::Runtime`] for a directory that
    /// cannot be used.
    pub fn images(&self) -> Result<Images, Error> {
        let mut images = self.images.lock();
        if let Some(images) = images.as_ref() {
            return Ok(images.clone());
        }
        let cache = self.cache.as_deref().ok_or(Error::NoCacheDirectory)?;
        let cache = Cache::open(cache)?.for_cpu(self.cpu);
        let fetch = FetchOptions {
            environment: self.variables.clone(),
            installed: self.guest_package.clone(),
            ..FetchOptions::default()
        };
        let opened = Images::open(cache)?
            .with_defaults(self.image_defaults.clone())
            .with_fetch(fetch);
        Ok(images.insert(opened).clone())
    }

    pub(crate) fn ask_user(&self) -> Result<Arc<dyn Tool>, Error> {
        let asker = self.asker.as_ref().ok_or(Error::NobodyToAsk)?;
        Ok(asker())
    }

    pub(crate) fn data(&self) -> Option<&Path> {
        self.data.as_deref()
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("cache", &self.cache)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
