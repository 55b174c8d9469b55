//! A server process and its clients, for figures.

use crate::context::ServerCommand;
use crate::error::Error;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(60);

/// A server process on a data directory of its own.
pub(super) struct Server {
    child: Child,
    data: TempDir,
    address: String,
    key: String,
}

impl Server {
    pub(super) fn start(command: &ServerCommand, settings: &str) -> Result<Self, Error> {
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
            data,
            address: part("url").trim_start_matches("http://").to_owned(),
            key: part("key").to_owned(),
        })
    }

    pub(super) fn client(&self) -> Result<Client, Error> {
        let stream = TcpStream::connect(&self.address).map_err(broken)?;
        stream.set_nodelay(true).map_err(broken)?;
        stream.set_read_timeout(Some(ANSWER)).map_err(broken)?;
        Ok(Client {
            reader: BufReader::new(stream),
            key: self.key.clone(),
        })
    }
}

impl Server {
    /// Its data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Memory of the process that is its own, in bytes: pages that it shares with nobody.
    pub(super) fn own_bytes(&self) -> Result<f64, Error> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = std::fs::read_to_string(path).map_err(broken)?;
        let kib = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.unwrap_or(0.0)
        };
        Ok((kib("Private_Clean:") + kib("Private_Dirty:")) * 1024.0)
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
pub(super) struct Client {
    reader: BufReader<TcpStream>,
    key: String,
}

impl Client {
    /// Sends a request with the key, and reads the answer as JSON.
    pub(super) fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Value, Error> {
        let key = format!("authorization: Bearer {}\r\n", self.key);
        let body = self.exchange(method, path, &key, body)?;
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Sends a request with these headers, and reads the whole answer.
    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Result<Vec<u8>, Error> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.reader
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(broken)?;
        let status = self.line()?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().unwrap_or(0);
            }
            is_chunked |= line == "transfer-encoding: chunked";
        }
        let mut body = Vec::new();
        if is_chunked {
            loop {
                let bytes = u64::from_str_radix(&self.line()?, 16).unwrap_or(0);
                self.read(bytes, &mut body)?;
                self.line()?;
                if bytes == 0 {
                    break;
                }
            }
        } else {
            self.read(length, &mut body)?;
        }
        match status.starts_with("HTTP/1.1 2") {
            true => Ok(body),
            false => Err(Error::System {
                what: "an answer of the server",
                reason: format!("{status}: {}", String::from_utf8_lossy(&body)),
            }),
        }
    }

    fn line(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        self.reader.read_line(&mut line).map_err(broken)?;
        Ok(line.trim().to_owned())
    }

    fn read(&mut self, bytes: u64, into: &mut Vec<u8>) -> Result<(), Error> {
        let read = (&mut self.reader).take(bytes).read_to_end(into);
        read.map(|_| ()).map_err(broken)
    }

    /// Makes a sandbox as clients of E2B do, which run code in it by the headers it gives.
    pub(super) fn code_interpreter(&mut self) -> Result<Interpreter, Error> {
        let key = format!("x-api-key: {}\r\n", self.key);
        let asked = r#"{"templateID":"code-interpreter-v1","timeout":300}"#;
        let made = self.exchange("POST", "/v2/sandboxes", &key, asked)?;
        let made: Value = serde_json::from_slice(&made).unwrap_or_default();
        let part = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok(Interpreter {
            headers: format!(
                "e2b-sandbox-id: {}\r\ne2b-sandbox-port: 49999\r\nx-access-token: {}\r\n",
                part("sandboxID"),
                part("envdAccessToken")
            ),
        })
    }

    /// Runs a block in it, and checks the text of its result.
    pub(super) fn execute(
        &mut self,
        interpreter: &Interpreter,
        code: &str,
        value: &str,
    ) -> Result<(), Error> {
        let body = json!({ "code": code }).to_string();
        let lines = self.exchange("POST", "/execute", &interpreter.headers, &body)?;
        let text = String::from_utf8_lossy(&lines);
        let mut found = text.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            Some(line.get("text")?.as_str()? == value)
        });
        match found.any(|is_it| is_it) && text.ends_with("{\"type\":\"end_of_execution\"}\n") {
            true => Ok(()),
            false => Err(Error::Unexpected {
                code: code.to_owned(),
                wanted: value.to_owned(),
                found: text.chars().take(200).collect(),
            }),
        }
    }

    pub(super) fn sandbox(&mut self) -> Result<String, Error> {
        let made = self.ask("POST", "/v1/sandboxes", "{}")?;
        let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
        Ok(format!("/v1/sandboxes/{id}"))
    }

    pub(super) fn run(&mut self, sandbox: &str, code: &str, value: &str) -> Result<(), Error> {
        self.outcome(sandbox, code, value).map(|_| ())
    }

    /// Runs a turn, checks its value, and returns what came of it.
    pub(super) fn outcome(
        &mut self,
        sandbox: &str,
        code: &str,
        value: &str,
    ) -> Result<Value, Error> {
        let body = json!({ "code": code }).to_string();
        let outcome = self.ask("POST", &format!("{sandbox}/turns"), &body)?;
        match outcome.get("value").and_then(Value::as_str) == Some(value) {
            true => Ok(outcome),
            false => Err(Error::Unexpected {
                code: code.to_owned(),
                wanted: value.to_owned(),
                found: outcome.to_string().chars().take(200).collect(),
            }),
        }
    }
}

/// A sandbox, as clients of E2B have it.
pub(super) struct Interpreter {
    headers: String,
}

/// Bytes of the files below a directory, as the disk has them.
pub(super) fn disk_bytes(path: &Path) -> Result<f64, Error> {
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = 0.0;
    for entry in std::fs::read_dir(path).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let metadata = entry.metadata().map_err(broken)?;
        bytes += metadata.blocks() as f64 * 512.0;
        if metadata.is_dir() {
            bytes += disk_bytes(&entry.path())?;
        }
    }
    Ok(bytes)
}

fn broken(error: std::io::Error) -> Error {
    Error::System {
        what: "the connection to the server",
        reason: error.to_string(),
    }
}
