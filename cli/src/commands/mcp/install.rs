//! `memex mcp install`: the entry that makes a client start the server.

use crate::client_entry::{absolute, file_of, named, names, show, write};
use crate::context::Context;
use crate::exit_code::ExitCode;
use anyhow::{Context as _, Result};
use clap::Args;
use memex_doors::clients::Entry;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
What follows `--` are arguments of the server; files in them become absolute. The configuration
keeps everything else, and is kept as it was in FILE.before-memex.

Examples:
  memex mcp install --client cursor
  memex mcp install --client claude-desktop -- --mount notes:/notes --store sessions
  memex mcp install --client vscode --file .vscode/mcp.json      for one project
  memex mcp install --client lm-studio --print                   write nothing";

/// Enter the server into a client's configuration
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct InstallArguments {
    /// The client
    #[arg(long, value_name = "NAME", value_parser = names())]
    client: String,
    /// Its configuration, where it is not in the usual place
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What the client calls the server
    #[arg(long, value_name = "NAME", default_value = "memex")]
    name: String,
    /// Print the entry, and write nothing
    #[arg(long)]
    print: bool,
    /// Arguments of the server
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

pub(super) fn execute(arguments: &InstallArguments, context: &Context) -> Result<ExitCode> {
    let client = named(&arguments.client)?;
    let (command, before) = context
        .installation()
        .command(["mcp"])
        .context("cannot find this program's own file")?;
    let before = before.into_iter().map(|argument| {
        let told = |argument: std::ffi::OsString| argument.to_string_lossy().into_owned();
        argument.into_string().unwrap_or_else(told)
    });
    let entry = Entry {
        name: arguments.name.clone(),
        command: absolute(&command)?,
        arguments: before.chain(whole(&arguments.arguments)?).collect(),
        environment: BTreeMap::new(),
    };
    let file = file_of(client, arguments.file.as_deref())?;
    match arguments.print {
        true => show(&entry, client, &file)?,
        false => write(&entry, client, &file)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The server's arguments, with absolute paths: the client starts it in a directory of its
/// own.
fn whole(arguments: &[String]) -> Result<Vec<String>> {
    let mut before: Option<&str> = None;
    let mut whole = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let (option, value) = match argument.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (Some(option), value),
            _ => (before, argument.as_str()),
        };
        let value = with_absolute_path(option, value)?;
        whole.push(match argument.split_once('=') {
            Some((option, _)) if option.starts_with("--") => format!("{option}={value}"),
            _ => value,
        });
        before = argument.starts_with("--").then_some(argument);
    }
    Ok(whole)
}

/// The value of an option, if it names a path: made absolute.
fn with_absolute_path(option: Option<&str>, value: &str) -> Result<String> {
    let joined = |path: &str| -> Result<String> {
        Ok(absolute(Path::new(path))?.to_string_lossy().into_owned())
    };
    match option {
        Some(
            "--tools" | "--servers" | "--memory" | "--audit" | "--config" | "--cache" | "--font"
            | "--requirements",
        ) => joined(value),
        Some("--store") if !value.contains("://") => joined(value),
        // A preset is no file.
        Some("--policy") if Path::new(value).is_file() => joined(value),
        Some("--mount") => match value.split_once(":/") {
            Some((host, guest)) => Ok(format!("{}:/{guest}", joined(host)?)),
            None => Ok(value.to_owned()),
        },
        Some("--sql") => match value.split_once('=') {
            Some((name, path)) => Ok(format!("{name}={}", joined(path)?)),
            None => Ok(value.to_owned()),
        },
        _ => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_servers_arguments_become_absolute() {
        let here = std::env::current_dir().unwrap().display().to_string();
        let given = [
            "--tools",
            "t.toml",
            "--policy",
            "compute",
            "--mount",
            "data:/data:rw",
            "--sql",
            "shop=a.sqlite",
            "--store=sessions",
            "--limit",
            "guest_time_ms=2s",
        ];
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        let want = [
            "--tools".to_owned(),
            format!("{here}/t.toml"),
            "--policy".to_owned(),
            "compute".to_owned(),
            "--mount".to_owned(),
            format!("{here}/data:/data:rw"),
            "--sql".to_owned(),
            format!("shop={here}/a.sqlite"),
            format!("--store={here}/sessions"),
            "--limit".to_owned(),
            "guest_time_ms=2s".to_owned(),
        ];
        assert_eq!(whole(&given).unwrap(), want);
        let url = ["--store".to_owned(), "s3://b/p".to_owned()];
        assert_eq!(whole(&url).unwrap(), url);
    }
}
