//! A small client of HTTP/1.1, which can also misbehave.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a client reads from and writes to.
pub(crate) trait Wire: Read + Write + Send {}

impl<T: Read + Write + Send> Wire for T {}

/// A connection that is kept.
pub(crate) struct Client {
    reader: BufReader<Box<dyn Wire>>,
    pub(crate) key: String,
    pub(crate) host: String,
}

/// An answer whose body comes piece by piece.
pub(crate) struct Events {
    reader: BufReader<Box<dyn Wire>>,
    rest: usize,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{error}: {} {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    /// The answer, which has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The problem of an answer, which is of this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{body}"
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{body}");
        assert_eq!(problem["status"], status, "{body}");
        for field in ["type", "title", "detail", "remedy"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {body}"
            );
        }
        problem
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, key: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(Box::new(stream), "localhost", key)
    }

    /// A client on a connection that is there, which calls the server by this name.
    pub(crate) fn over(wire: Box<dyn Wire>, host: &str, key: &str) -> Self {
        Self {
            reader: BufReader::new(wire),
            key: key.to_owned(),
            host: host.to_owned(),
        }
    }

    /// Sends a request as it is, and reads its answer.
    pub(crate) fn raw(&mut self, request: &[u8]) -> Answer {
        self.reader.get_mut().write_all(request).unwrap();
        read_answer(&mut self.reader)
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let head = self.head(method, path, headers, body.len());
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.raw(&request)
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
        let host = &self.host;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
        if !self.key.is_empty() {
            head += &format!("authorization: Bearer {}\r\n", self.key);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head + &format!("content-length: {length}\r\n\r\n")
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    pub(crate) fn post(&mut self, path: &str, body: Value) -> Answer {
        self.post_with(path, &[], body)
    }

    pub(crate) fn post_with(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send("POST", path, &all, body.to_string().as_bytes())
    }

    pub(crate) fn put(&mut self, path: &str, body: &[u8]) -> Answer {
        self.send(
            "PUT",
            path,
            &[("content-type", "application/octet-stream")],
            body,
        )
    }

    /// Makes a sandbox, and returns its path.
    #[track_caller]
    pub(crate) fn sandbox(&mut self, body: Value) -> String {
        let made = self.post("/v1/sandboxes", body).expect(201).json();
        format!("/v1/sandboxes/{}", made["id"].as_str().unwrap())
    }

    /// Runs a block in a sandbox.
    #[track_caller]
    pub(crate) fn run(&mut self, sandbox: &str, code: &str) -> Value {
        let path = format!("{sandbox}/turns");
        self.post(&path, serde_json::json!({ "code": code }))
            .expect(200)
            .json()
    }

    /// The value of a block's last expression.
    #[track_caller]
    pub(crate) fn value(&mut self, sandbox: &str, code: &str) -> String {
        let outcome = self.run(sandbox, code);
        assert_eq!(outcome["status"], "ok", "{outcome}");
        outcome["value"].as_str().unwrap_or("none").to_owned()
    }

    /// Sends a request whose answer is a stream of events.
    pub(crate) fn events(mut self, path: &str, body: Value) -> Events {
        let body = body.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("accept", "text/event-stream"),
        ];
        let head = self.head("POST", path, &headers, body.len());
        let request = head + &body;
        self.reader.get_mut().write_all(request.as_bytes()).unwrap();
        let (status, headers) = read_head(&mut self.reader);
        assert_eq!(status, 200, "{headers:?}");
        Events {
            reader: self.reader,
            rest: 0,
        }
    }
}

impl Events {
    /// The next event: its name and data; none at the end.
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        let (mut name, mut data) = (String::new(), Value::Null);
        loop {
            let line = self.line()?;
            if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = serde_json::from_str(text).unwrap();
            } else if line.is_empty() && !name.is_empty() {
                return Some((name, data));
            }
        }
    }

    pub(crate) fn all(mut self) -> Vec<(String, Value)> {
        std::iter::from_fn(|| self.next()).collect()
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return Some(String::from_utf8(line).unwrap()),
                byte => line.push(byte),
            }
        }
    }

    /// The next byte of a chunked body.
    fn byte(&mut self) -> Option<u8> {
        if self.rest == 0 {
            let mut size = String::new();
            self.reader.read_line(&mut size).unwrap();
            self.rest = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
            if self.rest == 0 {
                return None;
            }
        }
        let mut byte = [0];
        self.reader.read_exact(&mut byte).ok()?;
        self.rest -= 1;
        if self.rest == 0 {
            let mut end = String::new();
            self.reader.read_line(&mut end).unwrap();
        }
        Some(byte[0])
    }
}

fn read_head(reader: &mut BufReader<Box<dyn Wire>>) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no answer: {line:?}"));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => return (status, headers),
        }
    }
}

fn read_answer(reader: &mut BufReader<Box<dyn Wire>>) -> Answer {
    let (status, headers) = read_head(reader);
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    let length = answer
        .header("content-length")
        .and_then(|length| length.parse::<usize>().ok());
    if let Some(length) = length {
        answer.body = vec![0; length];
        reader.read_exact(&mut answer.body).unwrap();
    } else if answer.header("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut piece = vec![0; size + 2];
            reader.read_exact(&mut piece).unwrap();
            if size == 0 {
                break;
            }
            answer.body.extend_from_slice(&piece[..size]);
        }
    }
    answer
}
