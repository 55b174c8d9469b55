//! The options that every command has.

use crate::paint::ColorChoice;
use clap::Args;
use clap::builder::PossibleValuesParser;
use memex_runtime::Cpu;
use std::path::PathBuf;

/// Options that every command has.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalOptions {
    /// Directory of guests, compiled code and images [default: memex in the user's cache directory]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "MEMEX_CACHE",
        help_heading = "General"
    )]
    pub(crate) cache: Option<PathBuf>,

    /// Configuration file [default: memex/config.toml in the user's configuration directory]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "MEMEX_CONFIG",
        help_heading = "General"
    )]
    pub(crate) config: Option<PathBuf>,

    /// Processor to compile for: this one, or a baseline that all machines of a fleet support
    /// [default: native]
    #[arg(
        long,
        global = true,
        value_name = "CPU",
        env = "MEMEX_CPU",
        value_parser = PossibleValuesParser::new(Cpu::ALL.map(Cpu::name)),
        help_heading = "General"
    )]
    pub(crate) cpu: Option<String>,

    /// When to colour text that people read
    #[arg(long, global = true, value_name = "WHEN", help_heading = "General")]
    pub(crate) color: Option<ColorChoice>,
}
