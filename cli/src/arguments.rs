//! The command line as a whole.

use crate::commands::Command;
use crate::global_options::GlobalOptions;
use clap::Parser;

const EXAMPLES: &str = "\
Examples:
  memex run -c 'x = 20' -c 'x + 22'             two turns of one session
  memex run analysis.py --mount data:/data      a file, with a folder it may read
  memex run - --json < block.py                 one JSON object per turn
  memex repl                                    a prompt
  memex mcp install --client claude-code        a tool of an MCP client
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
