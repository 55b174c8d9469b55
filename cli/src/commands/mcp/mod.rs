//! `memex mcp`: sessions for MCP clients, and the entry that makes a client start them.

mod install;
mod serve;

use crate::context::Context;
use crate::exit_code::ExitCode;
use anyhow::Result;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
The server has the tools `python` (variables, imports and files persist from call to call),
`fork`, `reset`, `list_files`, `read_file` and `write_file`. Clients start it themselves:

  {\"mcpServers\": {\"memex\": {\"command\": \"/usr/local/bin/memex\", \"args\": [\"mcp\"]}}}

Examples:
  memex mcp install --client claude-code          write that entry, with absolute paths
  memex mcp --mount data:/data --store sessions   a folder to read; sessions outlive the server
  memex mcp --servers mcp.json                    tools of other servers, as Python functions
  memex mcp --tools tools.toml --sql shop=shop.sqlite
  memex mcp --http 127.0.0.1:8766                 for many clients, at http://127.0.0.1:8766/mcp

Over HTTP there is no password: anyone who reaches the port runs code in the sandbox, and calls
its tools. docs/mcp.md describes tools, limits and clients.";

/// Serve sessions to MCP clients, over standard streams or HTTP
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct McpArguments {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    serve: serve::ServeArguments,
}

/// What is done besides serving.
#[derive(Debug, Subcommand)]
enum Other {
    Install(install::InstallArguments),
}

pub(super) fn execute(arguments: &McpArguments, context: &Context) -> Result<ExitCode> {
    match &arguments.other {
        Some(Other::Install(arguments)) => install::execute(arguments, context),
        None => serve::execute(&arguments.serve, context),
    }
}
