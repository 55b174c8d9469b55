//! What `mcp install` and `mem setup` share: an entry in the configuration of an MCP client.

use crate::console::{complain, print_line};
use crate::environment::client_directories;
use crate::failure::{is_of_the_place, usage};
use anyhow::{Context as _, Result};
use clap::builder::PossibleValuesParser;
use memex_doors::clients::{Client, ClientError, Entered, Entry, enter};
use serde_json::json;
use std::path::{Path, PathBuf};

pub(crate) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(Client::ALL.map(Client::name))
}

/// The client of one of the names.
pub(crate) fn named(name: &str) -> Result<Client> {
    let mut all = Client::ALL.into_iter();
    all.find(|client| client.name() == name)
        .context("the client is not known")
}

/// The configuration that was named, or the usual one.
pub(crate) fn file_of(client: Client, named: Option<&Path>) -> Result<PathBuf> {
    match named {
        Some(file) => Ok(file.to_owned()),
        None => {
            let directories = client_directories().ok_or_else(|| {
                usage(
                    "there is no home directory: HOME is no absolute path",
                    "name the configuration with --file",
                )
            })?;
            Ok(client.file(&directories))
        }
    }
}

/// Prints the entry as it would stand in the configuration.
pub(crate) fn show(entry: &Entry, client: Client, file: &Path) -> Result<()> {
    let servers = json!({ entry.name.as_str(): entry.to_json(client) });
    let shown = json!({ client.key(): servers });
    print_line(&serde_json::to_string_pretty(&shown)?);
    complain(&format!("note: for {}", file.display()));
    Ok(())
}

/// Writes the entry into the configuration, and says so.
pub(crate) fn write(entry: &Entry, client: Client, file: &Path) -> Result<()> {
    let entered = enter(entry, client, file).map_err(told)?;
    let (name, place) = (&entry.name, file.display());
    match entered {
        Entered::Already => print_line(&format!("{place} has {name:?} so already")),
        Entered::Written { backup, replaced } => {
            let how = if replaced { "replaced" } else { "added" };
            print_line(&format!("{how} {name:?} in {place}"));
            if let Some(backup) = backup {
                print_line(&format!("kept the file before as {}", backup.display()));
            }
            print_line(&format!("next: {}", client.next()));
        }
    }
    Ok(())
}

pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}

fn told(error: ClientError) -> anyhow::Error {
    let text = error.to_string();
    match error {
        ClientError::Content { .. } => usage(
            text,
            "correct the file (comments are no JSON), or see the entry with --print and add it \
             by hand",
        ),
        ClientError::Changed { .. } => usage(text, "close the client, and try again"),
        ClientError::File { source, .. } if is_of_the_place(&source) => {
            usage(text, "name the configuration with --file")
        }
        ClientError::File { .. } => anyhow::Error::new(error),
    }
}
