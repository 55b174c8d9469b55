//! What a command works with: flags over environment over configuration file.

use crate::arguments::{ColorChoice, GlobalOptions};
use crate::configuration::Configuration;
use crate::console::Paint;
use crate::failure::usage;
use anyhow::Result;
use memex_runtime::{Cache, Cpu};
use std::env;
use std::io::{IsTerminal, stderr, stdout};
use std::path::PathBuf;

/// Settings of this run of the command, resolved.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) configuration: Configuration,
    pub(crate) out: Stream,
    pub(crate) err: Stream,
    cpu: Cpu,
    cache: Option<PathBuf>,
}

/// One of the two output streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    pub(crate) is_terminal: bool,
    pub(crate) paint: Paint,
}

impl Context {
    /// Reads the configuration file and resolves the options.
    pub(crate) fn new(options: &GlobalOptions) -> Result<Self> {
        let configuration = match &options.config {
            Some(path) => Configuration::read(path)?,
            None => match user_directory("XDG_CONFIG_HOME", ".config") {
                Some(directory) => Configuration::read_if_there(&directory.join("config.toml"))?,
                None => Configuration::default(),
            },
        };
        let choice = options
            .color
            .or(configuration.color)
            .unwrap_or(ColorChoice::Auto);
        let stream = |is_terminal: bool| Stream {
            is_terminal,
            paint: Paint::new(is_colored(choice, is_terminal)),
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
        })
    }

    /// The cache directory.
    pub(crate) fn cache_directory(&self) -> Result<PathBuf> {
        self.cache
            .clone()
            .or_else(|| user_directory("XDG_CACHE_HOME", ".cache"))
            .ok_or_else(|| {
                usage(
                    "there is no cache directory: neither HOME nor XDG_CACHE_HOME is an absolute path",
                    "name one with --cache DIR or MEMEX_CACHE",
                )
            })
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

/// Colours of standard error before anything is resolved.
pub(crate) fn early_paint(options: &GlobalOptions) -> Paint {
    let choice = options.color.unwrap_or(ColorChoice::Auto);
    Paint::new(is_colored(choice, stderr().is_terminal()))
}

fn is_colored(choice: ColorChoice, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
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
