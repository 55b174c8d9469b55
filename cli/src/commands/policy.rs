//! `memex policy`: what a policy means.

use crate::console::{print, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::USAGE;
use crate::failure_report::report;
use crate::refusals::refusal;
use anyhow::Result;
use clap::{Args, Subcommand};
use memex_policies::{Limits, Preset};
use memex_sessions::{load_policy, resolve_policies};

const EXAMPLES: &str = "\
A policy says what code may do and use. It is TOML; it extends a preset, which bounds what
it may grant, and every limit that it leaves out keeps the preset's value:

  version = 1
  extends = \"read-files\"
  limits.guest_time_ms = \"5s\"
  [[directories]]
  host = \"measurements\"       # relative to this file
  guest = \"/data\"

Examples:
  memex policy show                      the default, in sentences
  memex policy show team.toml stricter.toml
  memex policy show workspace --toml     a file to start from
  memex policy check *.toml
  memex policy limits";

/// Show and check policies
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PolicyArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Explain a policy in sentences
    #[command(
        after_help = "Examples:\n  memex policy show compute\n  memex policy show team.toml --toml"
    )]
    Show {
        /// Policy files or a preset: the first is the base, further files narrow it
        #[arg(value_name = "FILE|PRESET")]
        policy: Vec<String>,
        /// As a policy file with every limit spelled out
        #[arg(long)]
        toml: bool,
    },
    /// Check policy files
    #[command(
        after_help = "Every file is checked; the exit status is 2 when one is refused.\n\nExamples:\n  memex policy check team.toml"
    )]
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// List the presets
    #[command(after_help = "Examples:\n  memex policy presets")]
    Presets,
    /// List the limits: default, range, meaning
    #[command(
        after_help = "Examples:\n  memex policy limits\n  memex run job.py --limit memory_bytes=2GiB --limit guest_time_ms=1min"
    )]
    Limits,
}

pub(super) fn execute(arguments: &PolicyArguments, context: &Context) -> Result<ExitCode> {
    match &arguments.action {
        Action::Show { policy, toml } => {
            let references = match policy.is_empty() {
                true => context.configuration.policy.to_vec(),
                false => policy.clone(),
            };
            let policy = match references.as_slice() {
                [one] => load_policy(one),
                several => resolve_policies(several),
            };
            let policy = policy.map_err(refusal)?;
            print(if *toml {
                policy.to_toml()
            } else {
                policy.explain()
            });
        }
        Action::Check { files } => return Ok(check(files, context)),
        Action::Presets => {
            for preset in Preset::ALL {
                let name = format!("{:11}", preset.name());
                print_line(&format!(
                    "{} {}",
                    context.out.paint.strong(&name),
                    preset.meaning()
                ));
            }
        }
        Action::Limits => limits(context),
    }
    Ok(ExitCode::SUCCESS)
}

fn check(files: &[String], context: &Context) -> ExitCode {
    let mut refused = false;
    for file in files {
        match load_policy(file).map_err(refusal) {
            Ok(policy) => {
                let good = context.out.paint.good("valid");
                print_line(&format!("{file}: {good}, policy `{}`", policy.name));
            }
            Err(error) => {
                refused = true;
                report(&error, context.err.paint);
            }
        }
    }
    if refused {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

fn limits(context: &Context) {
    for field in Limits::fields() {
        let default = field
            .default_value()
            .map_or("off".to_owned(), |v| field.unit.format(v));
        let (from, to) = (
            field.unit.format(field.minimum),
            field.unit.format(field.maximum),
        );
        let name = context.out.paint.strong(&format!("{:19}", field.name));
        let range = context.out.paint.faint(&format!("from {from} to {to}"));
        print_line(&format!(
            "{name} {default:10} {range}\n{:19} {}",
            "", field.meaning
        ));
    }
}
