//! The server, over its own API at the loopback.

use crate::context::{Context, ServerCommand};
use crate::entry::{Better, Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, Summary, timed};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const BASE: Entry = Entry {
    unit: "ms",
    ..Entry::of("serve")
};
/// Clients of the throughput.
const CLIENTS: usize = 8;
const MEASURED: Duration = Duration::from_secs(5);
/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(60);

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "serve_run_ms",
        about: "A turn `x += 1` of a live sandbox over HTTP, saved before it is acknowledged",
        target: Some(1.0),
        measure: run,
        ..BASE
    },
    Entry {
        name: "serve_create_ms",
        about: "From the request for a sandbox to the first result in it",
        target: Some(5.0),
        measure: create,
        ..BASE
    },
    Entry {
        name: "serve_sessions_per_s",
        unit: "1/s",
        about: "Sandboxes made, used for a turn and ended, by eight clients",
        better: Better::Higher,
        target: Some(1500.0),
        measure: sessions,
        ..BASE
    },
    Entry {
        name: "serve_wake_ms",
        about: "A turn of a sandbox that sleeps in the store alone",
        target: Some(3.0),
        measure: wake,
        ..BASE
    },
];

/// A server process on a data directory of its own.
struct Server {
    child: Child,
    _data: TempDir,
    address: String,
    key: String,
}

impl Server {
    fn start(command: &ServerCommand, settings: &str) -> Result<Self, Error> {
        let failed = |reason: String| Error::Program {
            program: "memex serve".to_owned(),
            reason,
        };
        let text = |error: std::io::Error| failed(error.to_string());
        let data = tempfile::tempdir().map_err(text)?;
        let file = data.path().join("serve.toml");
        std::fs::write(&file, settings).map_err(text)?;
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .args(["--dev", "--data"])
            .arg(data.path().join("data"))
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(text)?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(text)?;
        }
        let said: Value = serde_json::from_str(&line).map_err(|error| failed(error.to_string()))?;
        let part = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok(Self {
            child,
            _data: data,
            address: part("url").trim_start_matches("http://").to_owned(),
            key: part("key").to_owned(),
        })
    }

    fn client(&self) -> Result<Client, Error> {
        let stream = TcpStream::connect(&self.address).map_err(broken)?;
        stream.set_nodelay(true).map_err(broken)?;
        stream.set_read_timeout(Some(ANSWER)).map_err(broken)?;
        Ok(Client {
            reader: BufReader::new(stream),
            key: self.key.clone(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// A connection that is kept.
struct Client {
    reader: BufReader<TcpStream>,
    key: String,
}

impl Client {
    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Value, Error> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        self.reader
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(broken)?;
        let mut line = String::new();
        self.reader.read_line(&mut line).map_err(broken)?;
        let is_ok = line.starts_with("HTTP/1.1 2");
        let (status, mut length) = (line.trim().to_owned(), 0);
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).map_err(broken)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().unwrap_or(0);
            }
        }
        let mut body = Vec::new();
        (&mut self.reader)
            .take(length)
            .read_to_end(&mut body)
            .map_err(broken)?;
        match is_ok {
            true => Ok(serde_json::from_slice(&body).unwrap_or_default()),
            false => Err(Error::System {
                what: "an answer of the server",
                reason: format!("{status}: {}", String::from_utf8_lossy(&body)),
            }),
        }
    }

    fn sandbox(&mut self) -> Result<String, Error> {
        let made = self.ask("POST", "/v1/sandboxes", "{}")?;
        let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
        Ok(format!("/v1/sandboxes/{id}"))
    }

    fn run(&mut self, sandbox: &str, code: &str, value: &str) -> Result<(), Error> {
        let body = json!({ "code": code }).to_string();
        let outcome = self.ask("POST", &format!("{sandbox}/turns"), &body)?;
        match outcome.get("value").and_then(Value::as_str) == Some(value) {
            true => Ok(()),
            false => Err(Error::Unexpected {
                code: code.to_owned(),
                wanted: value.to_owned(),
                found: outcome.to_string().chars().take(200).collect(),
            }),
        }
    }
}

fn broken(error: std::io::Error) -> Error {
    Error::System {
        what: "the connection to the server",
        reason: error.to_string(),
    }
}

fn run(context: &Context) -> Result<Measured, Error> {
    let server = Server::start(context.server()?, "")?;
    let mut client = server.client()?;
    let sandbox = client.sandbox()?;
    client.run(&sandbox, "x = 0\nx", "0")?;
    let (mut readings, mut n) = (Readings::default(), 0);
    for index in 0..2_200 {
        n += 1;
        let value = n.to_string();
        let (ran, took) = timed(|| client.run(&sandbox, "x += 1\nx", &value));
        ran?;
        if index >= 200 {
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    let note = "one client, durability `process`";
    Ok(Measured::new(readings.summary("turns")?, note))
}

fn create(context: &Context) -> Result<Measured, Error> {
    let server = Server::start(context.server()?, "")?;
    let mut client = server.client()?;
    let mut readings = Readings::default();
    for index in 0..550 {
        let (ran, took) = timed(|| {
            let sandbox = client.sandbox()?;
            client.run(&sandbox, "6 * 7", "42")
        });
        ran?;
        if index >= 50 {
            readings.push(took.as_secs_f64() * 1e3);
        }
        // Below the rate that the quota allows.
        std::thread::sleep(Duration::from_millis(12));
    }
    Ok(Measured::new(readings.summary("sandboxes")?, "one client"))
}

fn sessions(context: &Context) -> Result<Measured, Error> {
    let settings = "[serve.tenants.default.quota]\ncreates_per_s = 1e9\nturns = 16\n";
    let server = Server::start(context.server()?, settings)?;
    let begins = Instant::now();
    let done = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| -> Result<u64, Error> {
                    let mut client = server.client()?;
                    let mut done = 0;
                    while begins.elapsed() < MEASURED {
                        let sandbox = client.sandbox()?;
                        client.run(&sandbox, "1 + 1", "2")?;
                        client.ask("DELETE", &sandbox, "")?;
                        done += 1;
                    }
                    Ok(done)
                })
            })
            .collect();
        let counts = clients.into_iter().map(|client| {
            client
                .join()
                .unwrap_or_else(|_| Err(Error::NoReadings("sandboxes".to_owned())))
        });
        counts.sum::<Result<u64, Error>>()
    })?;
    let rate = done as f64 / begins.elapsed().as_secs_f64();
    let note = format!("{CLIENTS} clients beside the server on the same machine");
    Ok(Measured::new(Summary::single(rate), note))
}

fn wake(context: &Context) -> Result<Measured, Error> {
    const SANDBOXES: usize = 200;
    let settings = "[serve]\nidle_s = 0\nmemory_idle_s = 0\n";
    let server = Server::start(context.server()?, settings)?;
    let mut client = server.client()?;
    let mut sandboxes = Vec::new();
    for _ in 0..SANDBOXES {
        let sandbox = client.sandbox()?;
        client.run(&sandbox, "x = [1, 2]\nx", "[1, 2]")?;
        sandboxes.push(sandbox);
        std::thread::sleep(Duration::from_millis(12));
    }
    // From the slot to memory, and from there to the store.
    std::thread::sleep(Duration::from_secs(4));
    let mut readings = Readings::default();
    for sandbox in &sandboxes {
        let told = client.ask("GET", sandbox, "")?;
        if told.get("state").and_then(Value::as_str) != Some("asleep") {
            continue;
        }
        let (ran, took) = timed(|| client.run(sandbox, "x", "[1, 2]"));
        ran?;
        readings.push(took.as_secs_f64() * 1e3);
    }
    Ok(Measured::new(
        readings.summary("sleepers")?,
        "the whole request",
    ))
}
