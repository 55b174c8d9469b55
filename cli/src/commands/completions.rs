//! `memex completions`: scripts for shells.

use crate::console::print;
use crate::exit_code::ExitCode;
use anyhow::Result;
use clap::Args;
use clap_complete::{Shell, generate};

const EXAMPLES: &str = "\
Examples:
  memex completions bash > ~/.local/share/bash-completion/completions/memex
  memex completions zsh > ~/.zfunc/_memex
  memex completions fish > ~/.config/fish/completions/memex.fish";

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

/// `whole` is the command line that the script completes.
pub(super) fn execute(
    arguments: &CompletionsArguments,
    mut whole: clap::Command,
) -> Result<ExitCode> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut whole, "memex", &mut script);
    print(String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}
