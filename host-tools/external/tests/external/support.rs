//! Temporary tool files and the calls of their tools.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use memex_external::{OutsideError, OutsideHost, OutsideTools, ToolFile};
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// What no peer of these tests needs, however busy the machine is.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// The interpreter itself: a wrapper script would be one more process.
pub(crate) fn python() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let output = Command::new("python3")
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .expect("these tests need python3");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

/// A directory with files in it.
pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Reads a tool file; `PYTHON` in it is the interpreter.
    pub(crate) fn parse(&self, text: &str) -> Result<ToolFile, OutsideError> {
        let text = format!("version = 1\n{}", text.replace("PYTHON", python()));
        ToolFile::read(&self.write("tools.toml", &text))
    }

    pub(crate) async fn open(&self, text: &str) -> Result<OutsideTools, OutsideError> {
        self.parse(text)?.open(&host()).await
    }
}

pub(crate) const SECRET: &str = "s3cr3t/+ \"value\"";

pub(crate) fn host() -> OutsideHost {
    let secrets = BTreeMap::from([
        ("TOKEN".to_owned(), SECRET.to_owned()),
        ("PLAIN".to_owned(), "plain-token".to_owned()),
        ("TINY".to_owned(), "1234567".to_owned()),
    ]);
    let environment = BTreeMap::from([
        ("PATH".to_owned(), std::env::var_os("PATH").unwrap()),
        ("ALLOWED".to_owned(), "yes".into()),
        ("WITHHELD".to_owned(), "no".into()),
    ]);
    OutsideHost::new(secrets).environment(environment)
}

pub(crate) fn named(tools: &OutsideTools, name: &str) -> Arc<dyn Tool> {
    let tools = tools.tools();
    let names: Vec<_> = tools.iter().map(|tool| tool.spec().name.clone()).collect();
    tools
        .into_iter()
        .find(|tool| tool.spec().name == name)
        .unwrap_or_else(|| panic!("{name} is not among {names:?}"))
}

pub(crate) fn context() -> CallContext {
    CallContext {
        session: "s".into(),
        deadline: Instant::now() + LONG,
        cancelled: CancellationToken::new(),
    }
}

pub(crate) fn arguments(json: Value) -> Arguments {
    let Value::Object(json) = json else {
        panic!("arguments are an object")
    };
    Arguments {
        json,
        parts: Vec::new(),
    }
}

pub(crate) async fn call(
    tools: &OutsideTools,
    name: &str,
    json: Value,
) -> Result<Answer, ToolError> {
    named(tools, name).call(context(), arguments(json)).await
}

pub(crate) async fn value(tools: &OutsideTools, name: &str, json: Value) -> Value {
    call(tools, name, json).await.unwrap().json
}

pub(crate) async fn error(tools: &OutsideTools, name: &str, json: Value) -> String {
    call(tools, name, json).await.unwrap_err().to_string()
}

/// Waits until `done`; fails when that takes far too long.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process of this number is running; a zombie is not.
pub(crate) fn is_running(pid: &str) -> bool {
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", pid.trim()])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// Whether there is any trace of the process, also as a zombie.
pub(crate) fn exists(pid: &str) -> bool {
    Command::new("ps")
        .args(["-p", pid.trim()])
        .output()
        .unwrap()
        .status
        .success()
}
