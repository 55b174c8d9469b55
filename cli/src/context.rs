//! The context of a command: flags, then the environment, then the configuration file.

use crate::asking::at_the_terminal;
use crate::configuration::Configuration;
use crate::console::complain;
use crate::environment::{store_variables, tool_variables};
use crate::failure::usage;
use crate::global_options::GlobalOptions;
use crate::installation::Installation;
use crate::paint::{ColorChoice, Paint};
use anyhow::{Context as _, Result};
use memex_external::{OutsideProgress, ProgressCallback};
use memex_runtime::{Cache, Cpu};
use memex_sessions::{Host, ImageDefaults};
use std::env;
use std::io::{self, IsTerminal, stderr, stdout};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// Room for the deepest guest stack a policy can ask for by default, so that
/// turns need no stack mapped for them.
pub(crate) const STACK_BYTES: usize = 64 << 20;
/// Threads of the tokio runtime: models, tools and servers wait far more than
/// they compute.
const THREADS_MAX: usize = 8;
/// How long tasks have to end what they hold, such as the processes of tools,
/// when the command ends.
const ENDING: Duration = Duration::from_millis(500);

/// Settings of this run of the command, resolved.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) configuration: Configuration,
    /// The file that the configuration was read from, or would be.
    pub(crate) configuration_file: Option<PathBuf>,
    pub(crate) out: Stream,
    pub(crate) err: Stream,
    cpu: Cpu,
    cache: Option<PathBuf>,
    installation: Installation,
    runtime: Arc<OnceLock<Runtime>>,
    host: OnceLock<Host>,
}

/// One of the two output streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    pub(crate) is_terminal: bool,
    pub(crate) paint: Paint,
}

impl Context {
    /// Reads the configuration file and resolves the options.
    pub(crate) fn new(options: &GlobalOptions, installation: Installation) -> Result<Self> {
        let standard = || Some(user_directory("XDG_CONFIG_HOME", ".config")?.join("config.toml"));
        let configuration_file = options.config.clone().or_else(standard);
        let configuration = match (&configuration_file, &options.config) {
            (Some(path), Some(_)) => Configuration::read(path)?,
            (Some(path), None) => Configuration::read_if_there(path)?,
            (None, _) => Configuration::default(),
        };
        let choice = options
            .color
            .or(configuration.color)
            .unwrap_or(ColorChoice::Auto);
        let stream = |is_terminal: bool| Stream {
            is_terminal,
            paint: Paint::new(choice.colors(is_terminal)),
        };
        let cpu = options.cpu.as_ref().or(configuration.cpu.as_ref());
        let cpu = cpu.map_or(Ok(Cpu::default()), |name| Cpu::from_name(name))?;
        let cache = options
            .cache
            .clone()
            .or_else(|| configuration.cache.clone());
        Ok(Self {
            out: stream(stdout().is_terminal()),
            err: stream(stderr().is_terminal()),
            cpu,
            cache,
            configuration,
            configuration_file,
            installation,
            runtime: Arc::default(),
            host: OnceLock::new(),
        })
    }

    /// The tokio runtime of this process, started on first need: there is no
    /// other one.
    pub(crate) fn runtime(&self) -> Result<Handle> {
        started(&self.runtime).context("the threads of tools and models cannot be started")
    }

    /// The host of the sessions that this process opens.
    pub(crate) fn host(&self) -> &Host {
        self.host.get_or_init(|| {
            let runtime = Arc::clone(&self.runtime);
            Host::starting(move || started(&runtime))
                .cache_directory(self.cache_directory().ok())
                .cpu(self.cpu)
                .image_defaults(self.image_defaults())
                .data_directory(self.data_directory())
                .guest_package(self.installation.guest().map(Path::to_path_buf))
                .variables(tool_variables())
                .store_variables(store_variables())
                .asker(|| Arc::new(at_the_terminal()))
                .tool_progress(tool_progress(self.err.is_terminal))
                .supervisor(self.installation.supervisor())
        })
    }

    /// How this command is started again.
    pub(crate) fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The cache directory.
    pub(crate) fn cache_directory(&self) -> Result<PathBuf> {
        const HINT: &str = "name one with --cache DIR or MEMEX_CACHE";
        let named = self.cache.clone();
        let directory = named.or_else(|| user_directory("XDG_CACHE_HOME", ".cache"));
        let directory = directory.ok_or_else(|| {
            usage(
                "there is no cache directory: neither HOME nor XDG_CACHE_HOME is an absolute path",
                HINT,
            )
        })?;
        if directory.exists() && !directory.is_dir() {
            return Err(usage(
                format!("the cache {} is no directory", directory.display()),
                HINT,
            ));
        }
        Ok(directory)
    }

    /// The image defaults of the configuration.
    pub(crate) fn image_defaults(&self) -> ImageDefaults {
        let configured = &self.configuration;
        ImageDefaults {
            preload: configured.preload.to_vec(),
            packages: configured.package.to_vec(),
            secret_file: configured.secret_file.clone(),
            boot_unix_s: configured.boot_time,
        }
    }

    /// The cache, with code for the processor that was asked for.
    pub(crate) fn open_cache(&self) -> Result<Cache> {
        Ok(Cache::open(self.cache_directory()?)?.for_cpu(self.cpu))
    }

    /// The processor that code is compiled for.
    pub(crate) fn cpu(&self) -> Cpu {
        self.cpu
    }

    /// The directory of the prompt's history, where there is one.
    pub(crate) fn data_directory(&self) -> Option<PathBuf> {
        user_directory("XDG_DATA_HOME", ".local/share")
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // The host has the other reference.
        drop(self.host.take());
        let runtime = Arc::get_mut(&mut self.runtime).and_then(OnceLock::take);
        if let Some(runtime) = runtime {
            // A thread may wait for a line of standard input for ever.
            runtime.shutdown_timeout(ENDING);
        }
    }
}

/// The handle of the runtime, which starts when it is first asked for.
fn started(place: &OnceLock<Runtime>) -> io::Result<Handle> {
    if let Some(runtime) = place.get() {
        return Ok(runtime.handle().clone());
    }
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads.clamp(2, THREADS_MAX))
        .thread_name("memex-tokio")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()?;
    Ok(place.get_or_init(|| runtime).handle().clone())
}

fn tool_progress(is_terminal: bool) -> ProgressCallback {
    Arc::new(move |event| match event {
        OutsideProgress::Skipped {
            server,
            tool,
            reason,
        } => complain(&format!("note: {server}: {tool} is left out: {reason}")),
        OutsideProgress::Connected {
            server,
            tools,
            elapsed,
        } if is_terminal => complain(&format!(
            "{server}: {tools} tools in {} ms",
            elapsed.as_millis()
        )),
        _ => {}
    })
}

/// Colours of standard error before anything is resolved.
pub(crate) fn early_paint(options: &GlobalOptions) -> Paint {
    let choice = options.color.unwrap_or(ColorChoice::Auto);
    Paint::new(choice.colors(stderr().is_terminal()))
}

/// `memex` in one of the user's directories; relative paths there are void, as
/// the XDG specification has it.
fn user_directory(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let directory = absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))?;
    Some(directory.join("memex"))
}
