//! One client, from its first line to its last.

use std::io::{self, BufRead, BufReader, Write};
use std::sync::Arc;

use memex_external::Secrets;
use memex_host_tools::Tool;
use memex_policies::Access;
use memex_runtime::Progress;
use memex_sessions::{Host, LimitValue, Mount, Resolved, SessionSpec, options};
use serde_json::Value;
use tempfile::TempDir;

use super::calls::{Registered, ToolCall};
use super::codes::{INVALID_REQUEST, error};
use super::interpreter::Interpreter;
use super::requests::{Asked, Request, read};
use super::wire::{LINE_BYTES_MAX, Line, Wire};
use crate::error::Error;

/// Where DSPy's code looks for files that its client mounts.
const SANDBOX: &str = "/sandbox";
/// Room for what Deno bounds not at all: variables in the code, tools that ask models, long
/// sessions. Values that are given go before.
const LIMITS: [(&str, &str); 8] = [
    ("code_bytes", "64MiB"),
    ("file_bytes", "1GiB"),
    ("guest_time_ms", "60s"),
    ("host_call_bytes", "256MiB"),
    ("stdout_bytes", "64MiB"),
    ("tool_time_ms", "1h"),
    ("turns", "1000000000"),
    ("wall_time_ms", "1h"),
];
/// Pieces in which a client's lines are read.
const BUFFER_BYTES: usize = 64 << 10;

/// The folder of files that a client mounts, in a directory that ends with this.
#[derive(Debug)]
pub struct Workspace(TempDir);

impl Workspace {
    /// An empty one.
    ///
    /// # Errors
    /// If no directory can be made.
    pub fn new() -> io::Result<Self> {
        tempfile::Builder::new()
            .prefix("memex-dspy-")
            .tempdir()
            .map(Self)
    }

    /// A spec with the folder in it, and with the limits that DSPy's programs count on where
    /// it has none. For specs whose policy nobody chose.
    #[must_use]
    pub fn add_to(&self, mut spec: SessionSpec) -> SessionSpec {
        spec.mounts.push(Mount {
            host: self.0.path().to_owned(),
            guest: SANDBOX.to_owned(),
            access: Access::ReadWrite,
        });
        for (name, value) in LIMITS {
            let limits = spec.limits.entry(name.to_owned());
            limits.or_insert_with(|| LimitValue::from(value));
        }
        spec
    }
}

/// Serves the client of this process's standard streams until it goes.
///
/// # Errors
/// As [`serve`].
pub fn serve_stdio(
    resolved: Resolved,
    host: &Host,
    secrets: &dyn Secrets,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let input = Box::new(BufReader::with_capacity(BUFFER_BYTES, io::stdin()));
    serve(
        resolved,
        host,
        secrets,
        progress,
        input,
        Box::new(io::stdout()),
    )
}

/// Serves a client until it asks to end, or goes. The calling thread runs the code.
///
/// # Errors
/// When the session cannot be made or is lost, and when the streams break. A client that is
/// gone is no error.
pub fn serve(
    resolved: Resolved,
    host: &Host,
    secrets: &dyn Secrets,
    progress: &mut dyn Progress,
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
) -> Result<(), Error> {
    let wire = Arc::new(Wire::new(input, output));
    let registered = Registered::default();
    let calls = ToolCall::new(Arc::clone(&wire), Arc::clone(&registered));
    let resolved = resolved.granting_tools()?;
    let own: Vec<Arc<dyn Tool>> = vec![Arc::new(calls)];
    let tools = resolved.tools_and(own, host, secrets)?;
    let sandbox = resolved.sandbox(host, progress)?;
    let session = sandbox.session(options(tools.as_ref(), None))?;
    let mut interpreter = Interpreter::new(session, registered)?;
    match answer_all(&wire, &mut interpreter) {
        Err(Error::Stream(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

fn answer_all(wire: &Wire, interpreter: &mut Interpreter) -> Result<(), Error> {
    loop {
        let line = match wire.next()? {
            Line::End => return Ok(()),
            Line::TooLong => {
                let what = format!("the message has more than {LINE_BYTES_MAX} bytes");
                wire.error(&Value::Null, &error(INVALID_REQUEST, what))?;
                continue;
            }
            Line::Whole(line) => line,
        };
        let Request { id, asked } = match read(&line) {
            Ok(request) => request,
            Err((id, error)) => {
                wire.error(&id, &error)?;
                continue;
            }
        };
        let answered = match asked {
            Asked::Execute(asked) => interpreter.execute(&asked.code)?,
            Asked::Register(asked) => interpreter.register(&asked)?,
            Asked::InjectVar(asked) => interpreter.inject(&asked),
            Asked::MountFile(asked) => interpreter.mount(&asked),
            Asked::SyncFile(asked) => {
                interpreter.sync(&asked);
                continue;
            }
            Asked::Shutdown => return Ok(()),
        };
        match answered {
            Ok(result) => wire.result(&id, &result)?,
            Err(error) => wire.error(&id, &error)?,
        }
    }
}
