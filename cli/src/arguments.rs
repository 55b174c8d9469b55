//! The command line as a whole, and the options that every command has.

use crate::commands::Command;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, ValueEnum};
use memex_runtime::Cpu;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  memex run -c 'x = 20' -c 'x + 22'             two turns of one session
  memex run analysis.py --mount data:/data      a file, with a folder it may read
  memex run - --json < block.py                 one JSON object per turn
  memex repl                                    a prompt
  memex policy show workspace                   a policy, explained in sentences
  memex doctor                                  features of this machine

Exit status: 0 all turns ok, 1 an exception, limit or refusal, 2 usage, 3 a host fault.
The first use fetches and compiles the Python guest, which takes a few minutes once.";

/// Runs untrusted Python in a persistent scope inside WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "memex", version, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

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

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}
