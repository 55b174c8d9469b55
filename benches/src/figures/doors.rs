//! The doors for other programs' protocols, each over the standard streams of a process.

use crate::context::{Context, ServerCommand};
use crate::entry::{Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, timed};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

const BASE: Entry = Entry {
    unit: "ms",
    ..Entry::of("doors")
};
/// Requests before the first reading, and the readings.
const WARM: usize = 200;
const READINGS: usize = 2_000;
/// The variable that DSPy is given.
const VARIABLE_BYTES: usize = 1 << 20;

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "mcp_run_ms",
        about: "A call of `python` with `x += 1` over standard streams, in a live session",
        target: Some(1.0),
        measure: mcp_run,
        ..BASE
    },
    Entry {
        name: "dspy_start_ms",
        about: "From starting the interpreter of DSPy to its first answer",
        target: Some(25.0),
        measure: dspy_start,
        ..BASE
    },
    Entry {
        name: "dspy_execute_ms",
        about: "A block of DSPy, `print(1+1)`, in a live session",
        target: Some(0.15),
        measure: dspy_execute,
        ..BASE
    },
    Entry {
        name: "dspy_tool_ms",
        about: "A block of DSPy that calls one tool of the program",
        target: Some(0.2),
        measure: dspy_tool,
        ..BASE
    },
    Entry {
        name: "dspy_variable_ms",
        about: "A block of DSPy with a variable of 1 MiB in it, as DSPy sends it",
        target: Some(3.0),
        measure: dspy_variable,
        ..BASE
    },
];

/// A process that answers lines of JSON.
struct Peer {
    child: Child,
    input: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Peer {
    fn start(command: &ServerCommand) -> Result<Self, Error> {
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(broken)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                child,
                input,
                lines: BufReader::new(output),
            }),
            _ => Err(broken(std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn send(&mut self, line: &str) -> Result<(), Error> {
        let line = format!("{line}\n");
        self.input.write_all(line.as_bytes()).map_err(broken)
    }

    fn line(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        match self.lines.read_line(&mut line).map_err(broken)? {
            0 => Err(broken(std::io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(line),
        }
    }

    /// Sends a request, and checks its answer.
    fn ask(&mut self, request: &str, wanted: &str) -> Result<(), Error> {
        self.send(request)?;
        let line = self.line()?;
        expect(&line, wanted)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn broken(error: std::io::Error) -> Error {
    Error::System {
        what: "the connection to a door",
        reason: error.to_string(),
    }
}

fn expect(line: &str, wanted: &str) -> Result<(), Error> {
    match line.contains(wanted) {
        true => Ok(()),
        false => Err(Error::Unexpected {
            code: "a request".to_owned(),
            wanted: wanted.to_owned(),
            found: line.chars().take(200).collect(),
        }),
    }
}

fn request(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

fn execute(code: &str) -> String {
    request("execute", &json!({ "code": code }))
}

/// Readings of one exchange, after some that warm it.
fn series(mut exchange: impl FnMut(usize) -> Result<(), Error>) -> Result<Readings, Error> {
    let mut readings = Readings::default();
    for index in 0..WARM + READINGS {
        let (done, took) = timed(|| exchange(index));
        done?;
        if index >= WARM {
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    Ok(readings)
}

fn mcp_run(context: &Context) -> Result<Measured, Error> {
    let mut peer = Peer::start(context.door("mcp")?)?;
    let begin = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "bench", "version": "1" },
    });
    peer.ask(&request("initialize", &begin), "serverInfo")?;
    peer.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)?;
    let python = |code: &str| {
        let arguments = json!({ "name": "python", "arguments": { "code": code } });
        request("tools/call", &arguments)
    };
    peer.ask(&python("x = 0"), "no output")?;
    let run = python("x += 1\nx");
    let readings = series(|index| peer.ask(&run, &format!("\"{}\"", index + 1)))?;
    Ok(Measured::new(readings.summary("calls")?, "one client"))
}

fn dspy_start(context: &Context) -> Result<Measured, Error> {
    let command = context.door("dspy")?;
    let mut readings = Readings::default();
    for _ in 0..40 {
        let (peer, took) = timed(|| {
            let mut peer = Peer::start(command)?;
            peer.ask(&execute("print(1+1)"), r#""2\n""#)?;
            Ok::<_, Error>(peer)
        });
        drop(peer?);
        readings.push(took.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Measured::new(readings.summary("starts")?, "a process each"))
}

fn dspy_execute(context: &Context) -> Result<Measured, Error> {
    let mut peer = Peer::start(context.door("dspy")?)?;
    let block = execute("print(1+1)");
    let readings = series(|_| peer.ask(&block, r#""2\n""#))?;
    Ok(Measured::new(readings.summary("blocks")?, ""))
}

fn dspy_tool(context: &Context) -> Result<Measured, Error> {
    let mut peer = Peer::start(context.door("dspy")?)?;
    let tool = json!({ "tools": [{ "name": "f", "parameters": [{ "name": "a" }] }] });
    peer.ask(&request("register", &tool), "\"f\"")?;
    let block = execute("print(f(1))");
    let readings = series(|_| {
        peer.send(&block)?;
        let line = peer.line()?;
        let call: Value = serde_json::from_str(&line).unwrap_or_default();
        let id = call.get("id").cloned().unwrap_or_default();
        let result = json!({ "type": "string", "value": "told" });
        let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
        peer.ask(&answer.to_string(), r#""told\n""#)
    })?;
    Ok(Measured::new(readings.summary("blocks")?, ""))
}

fn dspy_variable(context: &Context) -> Result<Measured, Error> {
    let mut peer = Peer::start(context.door("dspy")?)?;
    let block = execute(&format!(
        "v = '{}'\nprint(len(v))",
        "x".repeat(VARIABLE_BYTES)
    ));
    let mut readings = Readings::default();
    for index in 0..320 {
        let (done, took) = timed(|| peer.ask(&block, "1048576"));
        done?;
        if index >= 20 {
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    Ok(Measured::new(readings.summary("blocks")?, ""))
}
