//! `memex key`: the keys of a server.

use super::serve::{DataArguments, data_directory};
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, at_place};
use anyhow::Result;
use clap::{Args, Subcommand};
use memex_server::config::DEFAULT_TENANT;
use memex_server::keys::{KeyFile, NewKey};
use memex_server::tenants::{Scope, Scopes};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const EXAMPLES: &str = "\
The key is printed once; the server keeps its digest. A running server takes changes within
seconds. To change a key without a pause, make the new one before the old one is revoked.

Examples:
  memex key add --tenant acme
  memex key add --tenant acme --scope run --scope files --days 30 --label 'the notebook'
  memex key list
  memex key revoke mdq3x7aa2b";

/// Make, list and revoke the keys of a server
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KeyArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it
    #[command(after_help = "Examples:\n  memex key add --tenant acme")]
    Add {
        /// Whose it is
        #[arg(long, value_name = "NAME", default_value = DEFAULT_TENANT)]
        tenant: String,
        /// What it permits: create, run, files, admin. Default: all but admin
        #[arg(long, value_name = "SCOPE", value_parser = scope)]
        scope: Vec<Scope>,
        /// How long it is valid
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
        /// What you call it
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// List keys: name, tenant, scopes
    #[command(after_help = "Examples:\n  memex key list")]
    List {
        #[command(flatten)]
        data: DataArguments,
    },
    /// End a key
    #[command(after_help = "Examples:\n  memex key revoke mdq3x7aa2b")]
    Revoke {
        /// Its name, as `list` shows it
        #[arg(value_name = "NAME")]
        key: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

fn scope(name: &str) -> Result<Scope, String> {
    let found = Scope::ALL.into_iter().find(|scope| scope.name() == name);
    found.ok_or_else(|| "write create, run, files or admin".to_owned())
}

pub(super) fn execute(arguments: &KeyArguments, context: &Context) -> Result<ExitCode> {
    match &arguments.action {
        Action::Add {
            tenant,
            scope,
            days,
            label,
            data,
        } => {
            let scopes = match scope.is_empty() {
                true => Scopes::CLIENT.iter().collect(),
                false => scope.clone(),
            };
            let new = NewKey {
                tenant: tenant.clone(),
                scopes,
                expires_ms: days.map(|days| in_days(SystemTime::now(), days)),
                label: label.clone(),
            };
            let (key, record) = with_file(data, context, |file| file.add(new))?;
            complain(&format!(
                "the key {} of the tenant {tenant}; it is not shown again:",
                record.id
            ));
            print_line(&key);
        }
        Action::List { data } => {
            for key in with_file(data, context, KeyFile::read)? {
                let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
                let label = key.label.unwrap_or_default();
                print_line(&format!(
                    "{}  {}  {}  {label}",
                    key.id,
                    key.tenant,
                    scopes.join(",")
                ));
            }
        }
        Action::Revoke { key, data } => {
            if !with_file(data, context, |file| file.revoke(key))? {
                complain(&format!(
                    "there is no key {key}\nhint: `memex key list` names them"
                ));
                return Ok(ExitCode::from(TURN_FAILED));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn with_file<R>(
    data: &DataArguments,
    context: &Context,
    work: impl FnOnce(&KeyFile) -> std::io::Result<R>,
) -> Result<R> {
    let directory = {
        let configured = context.configuration.serve.data.as_deref();
        data_directory(data, configured, context)?
    };
    let done = KeyFile::of(&directory).and_then(|file| work(&file));
    done.map_err(|error| {
        at_place(
            &directory,
            error,
            "name the server's data directory with --data",
        )
    })
}

fn in_days(now: SystemTime, days: u32) -> u64 {
    let day = Duration::from_hours(24);
    let then = now.checked_add(day.saturating_mul(days)).unwrap_or(now);
    let since = then.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
