//! `memex tools`: what the code would see of tools, without running any.

use crate::console::{print, print_line};
use crate::context::Context;
use crate::environment::EnvironmentSecrets;
use crate::exit_code::ExitCode;
use crate::failure::usage;
use crate::refusals::refusal;
use crate::sandbox_options::policy_source;
use crate::tool_arguments::ToolArguments;
use anyhow::Result;
use clap::{Args, Subcommand};
use memex_host_tools::{Form, ToolEntry};
use memex_sessions::{SessionSpec, Tools};

const EXAMPLES: &str = "\
Examples:
  memex tools list --tools tools.toml
  memex tools stub --tools tools.toml                  for a prompt: one line for each tool
  memex tools stub search --full --tools tools.toml    with types and documentation
  memex tools check --tools tools.toml                 every schema, every server";

/// Show the tools that code would get: names, Python stubs, problems
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ToolsArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the tools, with a line on each
    List {
        #[command(flatten)]
        selection: Selection,
        /// One JSON object per tool on standard output
        #[arg(long)]
        json: bool,
    },
    /// Print the tools as Python signatures, for prompts
    Stub {
        /// Only these tools
        names: Vec<String>,
        /// With types, arguments and documentation
        #[arg(long)]
        full: bool,
        #[command(flatten)]
        selection: Selection,
    },
    /// Connect to every server and compile every schema
    Check {
        #[command(flatten)]
        selection: Selection,
    },
}

#[derive(Debug, Args)]
struct Selection {
    #[command(flatten)]
    tools: ToolArguments,

    /// Policy file or preset; the first is the base, further files narrow it
    #[arg(long, value_name = "FILE|PRESET", env = "MEMEX_POLICY")]
    policy: Vec<String>,
}

impl Selection {
    fn open(&self, context: &Context) -> Result<Tools> {
        let spec = SessionSpec {
            policy: policy_source(context, &self.policy),
            tools: self.tools.sources(),
            ..SessionSpec::default()
        };
        let resolved = spec.resolve().map_err(refusal)?;
        let tools = resolved.tools(context.host(), &EnvironmentSecrets);
        tools.map_err(refusal)?.ok_or_else(|| {
            usage(
                "no tools are named",
                "name some with --tools FILE, --sql NAME=PATH or --memory DIR",
            )
        })
    }
}

pub(super) fn execute(arguments: &ToolsArguments, context: &Context) -> Result<ExitCode> {
    match &arguments.action {
        Action::List { selection, json } => {
            let tools = selection.open(context)?;
            for entry in visible(&tools) {
                print_line(&match json {
                    true => json_line(entry),
                    false => {
                        let name = context.out.paint.strong(&entry.spec().name);
                        format!("{name}  {}", entry.summary())
                    }
                });
            }
        }
        Action::Stub {
            names,
            full,
            selection,
        } => {
            let tools = selection.open(context)?;
            let form = match full {
                true => Form::Full,
                false => Form::Compact,
            };
            stub(&tools, names, form)?;
        }
        Action::Check { selection } => {
            let tools = selection.open(context)?;
            tools
                .toolbox()
                .compile()
                .map_err(|error| usage(error.to_string(), "correct its schema"))?;
            let count = visible(&tools).count();
            let good = context.out.paint.good("valid");
            print_line(&format!("{count} tools: {good}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn visible(tools: &Tools) -> impl Iterator<Item = &ToolEntry> {
    let entries = tools.toolbox().iter();
    entries.filter(|entry| tools.permits(&entry.spec().name))
}

fn json_line(entry: &ToolEntry) -> String {
    serde_json::json!({
        "name": entry.spec().name,
        "identifier": entry.identifier(),
        "summary": entry.summary(),
        "parameters": entry.spec().parameters,
        "returns": entry.spec().returns,
    })
    .to_string()
}

fn stub(tools: &Tools, names: &[String], form: Form) -> Result<()> {
    if names.is_empty() {
        for entry in visible(tools) {
            print(entry.stub(form));
        }
        return Ok(());
    }
    for name in names {
        let toolbox = tools.toolbox();
        let entry = toolbox.get(name).or_else(|| toolbox.by_identifier(name));
        let Some(entry) = entry.filter(|entry| tools.permits(&entry.spec().name)) else {
            let close = toolbox.close_matches(name, |name| tools.permits(name));
            let hint = match close.first() {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`memex tools list` shows the tools".to_owned(),
            };
            return Err(usage(format!("there is no tool `{name}`"), hint));
        };
        print(entry.stub(form));
    }
    Ok(())
}
