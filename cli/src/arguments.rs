//! The command line as a whole.

use crate::commands::{Command, RUN, run_alone};
use crate::global_options::GlobalOptions;
use clap::error::Result;
use clap::{Args, FromArgMatches, Parser};
use std::ffi::OsString;
use std::iter::once;

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

/// The word before the arguments, where others have a program's name.
pub(crate) const NAME: &str = "memex";
const ABOUT: &str = "Runs untrusted Python in a persistent scope inside WebAssembly";

#[derive(Debug, Parser)]
#[command(name = NAME, version, about = ABOUT, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// The arguments that follow the program's name.
    ///
    /// Describing the options of all commands takes longer than a turn, and a tenth of a
    /// process that runs one. Where the first word says that the command is `run`, the others
    /// are left out.
    pub(crate) fn of(words: Vec<OsString>) -> Result<Self> {
        let is_run = words.first().is_some_and(|word| word == RUN);
        let line = once(NAME.into()).chain(words);
        match is_run {
            false => Self::try_parse_from(line),
            true => Self::from_arg_matches_mut(&mut with_run_alone().try_get_matches_from(line)?),
        }
    }
}

/// The description of the command line with one subcommand of all.
fn with_run_alone() -> clap::Command {
    GlobalOptions::augment_args(clap::Command::new(NAME))
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(EXAMPLES)
        .propagate_version(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(run_alone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Whichever description is used, a command line means the same and its errors say the
    /// same.
    #[test]
    fn a_run_is_understood_as_by_the_whole_description() {
        let lines: &[&[&str]] = &[
            &["run", "-c", "1"],
            &[
                "run", "a.py", "b.py", "--stop", "--mount", "x:/x:rw", "--json",
            ],
            &[
                "run",
                "-c",
                "1",
                "--session",
                "s",
                "--fresh-generators",
                "--cpu",
                "native",
            ],
            &["run", "--cache", "/x", "--color", "never", "-"],
            &["run"],
            &["run", "--help"],
            &["run", "-h"],
            &["run", "--version"],
            &["run", "-c"],
            &["run", "--bogus"],
            &["run", "-c", "1", "--fresh-generators"],
            &["run", "-c", "1", "--cpu", "z80"],
            &["run", "-c", "1", "--limit", "turns"],
            &["run", "--color"],
            &["run", "help"],
        ];
        for line in lines {
            let words: Vec<OsString> = line.iter().map(Into::into).collect();
            let whole = Arguments::try_parse_from(once(NAME.into()).chain(words.clone()));
            match (Arguments::of(words), whole) {
                (Ok(ours), Ok(whole)) => {
                    assert_eq!(format!("{ours:?}"), format!("{whole:?}"), "{line:?}");
                }
                (Err(ours), Err(whole)) => {
                    assert_eq!(ours.kind(), whole.kind(), "{line:?}");
                    assert_eq!(
                        ours.render().to_string(),
                        whole.render().to_string(),
                        "{line:?}"
                    );
                }
                (ours, whole) => {
                    assert_eq!(format!("{ours:?}"), format!("{whole:?}"), "{line:?}");
                }
            }
        }
    }
}
