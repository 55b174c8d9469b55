//! The parts of this process's environment that sessions are given.

use memex_doors::clients::Directories;
use memex_external::Secrets;
use memex_runtime::is_for_package_client;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Variables of the environment with this prefix are the secrets of tool files.
const SECRET_PREFIX: &str = "MEMEX_SECRET_";

/// Secrets of tool files: `[[credential]] secret = "x"` is `MEMEX_SECRET_x`.
pub(crate) struct EnvironmentSecrets;

impl Secrets for EnvironmentSecrets {
    fn get(&self, name: &str) -> Option<String> {
        env::var(format!("{SECRET_PREFIX}{name}")).ok()
    }
}

/// The variables that tools may be given: their names are text, and they are no
/// secrets.
pub(crate) fn tool_variables() -> BTreeMap<String, OsString> {
    let named = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok()?;
        (!name.starts_with(SECRET_PREFIX)).then_some((name, value))
    };
    env::vars_os().filter_map(named).collect()
}

/// What the Python package client may be given of the environment, such as the
/// address of its index; no keys and no secrets.
pub(crate) fn package_client_variables() -> BTreeMap<String, OsString> {
    let mut variables = tool_variables();
    variables.retain(|name, _| is_for_package_client(name));
    variables
}

/// The variables that by convention hold credentials and endpoints of storage
/// services.
pub(crate) fn store_variables() -> BTreeMap<String, String> {
    let variables = env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        name.starts_with("AWS_").then_some((name, value))
    });
    variables.collect()
}

/// Where clients of MCP keep their settings, as this system has it.
pub(crate) fn client_directories() -> Option<Directories> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let home = absolute("HOME")?;
    let settings = match cfg!(target_os = "macos") {
        true => home.join("Library/Application Support"),
        false => absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
    };
    Some(Directories { home, settings })
}
