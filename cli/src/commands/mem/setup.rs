//! `memex mem setup`: the server in the configuration of an MCP client.

use super::options::{MemoryArguments, ModelArguments};
use crate::client_entry::{absolute, file_of, named, names, show, write};
use crate::console::complain;
use crate::context::Context;
use crate::exit_code::ExitCode;
use anyhow::{Context as _, Result};
use clap::Args;
use memex_doors::clients::{Client, Entry};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
The entry has absolute paths, and a key by the name of its environment variable: no key is
written. What else the file holds stays. Restart the client afterwards.

A model that was trained for the memory needs --compat.

Examples:
  memex mem setup claude-code --memory notes --model anthropic:claude-sonnet-4-5
  memex mem setup lm-studio --memory notes --model local:mem-agent@http://127.0.0.1:1234/v1 --compat
  memex mem setup cursor --memory notes --model openai:gpt-5-mini --print";

/// Write the server into the configuration of an MCP client
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SetupArguments {
    /// The client
    #[arg(value_name = "CLIENT", value_parser = names())]
    client: String,
    #[command(flatten)]
    memory: MemoryArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// What the client calls the server
    #[arg(long, value_name = "NAME", default_value = "memory")]
    name: String,
    /// The command that the client starts [default: this one]
    #[arg(long, value_name = "PATH")]
    command: Option<PathBuf>,
    /// The client's configuration, where it is not at its usual place
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the entry and write nothing
    #[arg(long)]
    print: bool,
}

pub(super) fn execute(arguments: &SetupArguments, context: &Context) -> Result<ExitCode> {
    // What the client would meet is told now.
    arguments.memory.open()?;
    let client = named(&arguments.client)?;
    let file = file_of(client, arguments.file.as_deref())?;
    let entry = entry(arguments, context, client, &file)?;
    if arguments.print {
        show(&entry, client, &file)?;
        return Ok(ExitCode::SUCCESS);
    }
    write(&entry, client, &file)?;
    if let Some(variable) = arguments.model.key_name()
        && entry.environment.is_empty()
    {
        complain(&format!(
            "hint: start the client where {variable} is set; it cannot refer to a variable itself"
        ));
    }
    if !arguments.memory.compat && is_trained(&arguments.model.model) {
        complain("hint: a model that was trained for the memory needs --compat");
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a model's name says that it was trained for the memory.
fn is_trained(model: &str) -> bool {
    model.to_ascii_lowercase().contains("mem-agent")
}

fn entry(
    arguments: &SetupArguments,
    context: &Context,
    client: Client,
    file: &Path,
) -> Result<Entry> {
    let (command, before) = match &arguments.command {
        Some(command) => (command.clone(), Vec::new()),
        None => {
            let own = context.installation().command(["mem"]);
            own.context("cannot find this program's own file")?
        }
    };
    let mut given: Vec<String> = before
        .into_iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    if arguments.command.is_some() {
        given.push("mem".to_owned());
    }
    given.push("serve".to_owned());
    let mut option = |name: &str, value: &str| given.extend([name.to_owned(), value.to_owned()]);
    let memory = absolute(&arguments.memory.memory)?;
    option("--memory", &memory.to_string_lossy());
    option("--model", &arguments.model.absolute_line()?);
    if let Some(path) = arguments.model.options_file() {
        option("--model-options", &absolute(path)?.to_string_lossy());
    }
    if let Some(variable) = arguments.model.own_key_variable() {
        option("--key-variable", variable);
    }
    if arguments.memory.compat {
        given.push("--compat".to_owned());
    }
    let reference = arguments.model.key_name().and_then(|variable| {
        let reference = client.reference(file, &variable)?;
        Some((variable, reference))
    });
    Ok(Entry {
        name: arguments.name.clone(),
        command: absolute(&command)?,
        arguments: given,
        environment: reference.into_iter().collect(),
    })
}
