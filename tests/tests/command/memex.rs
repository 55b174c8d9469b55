//! Starting the command that was built from this workspace.

use memex_tests::cache_directory;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// The variable that names another program to test, such as the script of the Python package.
const OTHER: &str = "MEMEX_TEST_COMMAND";

/// The binary beside this test's own, built when it is not up to date; or another program.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(other) = std::env::var_os(OTHER) {
            return PathBuf::from(other);
        }
        let directory = std::env::current_exe()
            .unwrap()
            .parent()
            .unwrap()
            .join("..");
        let directory = directory.canonicalize().unwrap();
        let mut build = Command::new(env!("CARGO"));
        // As part of the workspace and with a test, so that it has the features that it
        // has in `cargo test --workspace`: with others, the engine is compiled anew.
        build.args(["build", "--quiet", "--workspace", "--bin", "memex"]);
        build.args(["--test", "command"]);
        build
            .arg("--manifest-path")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
        build.arg("--target-dir").arg(directory.parent().unwrap());
        if directory.ends_with("release") {
            build.arg("--release");
        }
        // What Cargo tells a test of its package would have build scripts run again that ask
        // for it, and with them half of the workspace compiled, this test included.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_of_a_package) {
                build.env_remove(name);
            }
        }
        assert!(
            build.status().unwrap().success(),
            "the command does not build"
        );
        directory.join("memex")
    })
}

/// Whether Cargo sets a variable for one package or target.
fn is_of_a_package(variable: &str) -> bool {
    [
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
    ]
    .iter()
    .any(|prefix| variable.starts_with(prefix))
        || ["CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&variable)
}

/// A finished run of the command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The objects of `--json`, which are all that stdout holds.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The command with the suite's cache and nothing of the machine's settings.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MEMEX_") {
            command.env_remove(name);
        }
    }
    command.env("MEMEX_CACHE", cache_directory());
    command.env(
        "MEMEX_CONFIG",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/command/empty.toml"),
    );
    command
}

/// Runs the command to its end.
pub(crate) fn memex(arguments: &[&str]) -> Ran {
    command(arguments).output().unwrap().into()
}

/// Runs the command with a text on its standard input.
pub(crate) fn memex_with(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = spawn(command(arguments).stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().unwrap();
    // The command may refuse before it has read everything.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

/// Starts the command with piped output.
pub(crate) fn spawn(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
