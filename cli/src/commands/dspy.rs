//! `memex dspy`: what DSPy's interpreter starts.

use crate::context::Context;
use crate::environment::EnvironmentSecrets;
use crate::exit_code::ExitCode;
use crate::failure::usage;
use crate::progress::Bars;
use crate::refusals::refusal;
use crate::sandbox_options::SandboxArguments;
use crate::tool_arguments::ToolArguments;
use anyhow::{Context as _, Result};
use clap::Args;
use memex_doors::dspy::{Workspace, serve_stdio};
use memex_sessions::SessionSpec;

const EXAMPLES: &str = "\
It speaks JSON-RPC on its standard streams, in place of Deno; DSPy starts it:

  from dspy.primitives.python_interpreter import PythonInterpreter
  PythonInterpreter(deno_command=[\"memex\", \"dspy\"])

Without a policy, files that the program mounts are in /sandbox, and the limits leave room for
what DSPy's programs do: tools that ask models, variables of 64 MiB in the code. With one, they
are the policy's.

Examples:
  memex dspy --limit guest_time_ms=5s
  memex dspy --policy team.toml --mount data:/data

docs/dspy.md says what differs from Deno.";

/// Answer DSPy's PythonInterpreter, in place of Deno
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DspyArguments {
    #[command(flatten)]
    sandbox: SandboxArguments,
    #[command(flatten)]
    tools: ToolArguments,
}

pub(super) fn execute(arguments: &DspyArguments, context: &Context) -> Result<ExitCode> {
    let sources = arguments.tools.sources();
    if sources.ask_user {
        return Err(usage(
            "--ask-user asks at the terminal, and standard input is the program's",
            "register a tool that asks",
        ));
    }
    let spec = arguments.sandbox.spec(context, sources)?;
    let workspace = Workspace::new().context("cannot make a directory for mounted files")?;
    let spec: SessionSpec = match spec.policy.is_empty() {
        true => workspace.add_to(spec),
        false => spec,
    };
    let resolved = spec.resolve().map_err(refusal)?;
    let mut bars = Bars::new(context, !context.err.is_terminal);
    serve_stdio(resolved, context.host(), &EnvironmentSecrets, &mut bars).map_err(|error| {
        match error {
            memex_doors::Error::Sessions(error) => refusal(error),
            error => anyhow::Error::new(error),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
