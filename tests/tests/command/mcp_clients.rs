//! `memex mcp` for clients that mean no good, that go, and over HTTP; and the entry in a
//! client's configuration.

use crate::mcp::{Client, RUNTIME, call, connected, python, text};
use crate::memex::{command, memex};
use crate::resident::resident;
use rmcp::ServiceExt;
use rmcp::transport::StreamableHttpClientTransport;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of standard streams, spoken to by hand.
struct Raw {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Raw {
    fn start(arguments: &[&str]) -> Self {
        let mut server = command(arguments);
        server
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = server.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut raw = Self { child, lines };
        raw.send(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#);
        assert_eq!(raw.answer()["result"]["serverInfo"]["name"], "memex");
        raw.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        raw
    }

    fn send(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn python(&mut self, id: u32, arguments: Value) {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": "python", "arguments": arguments } });
        self.send(&request.to_string());
    }
}

#[test]
fn a_hostile_client_is_answered_and_bounded() {
    let mut raw = Raw::start(&["mcp", "--sessions", "3"]);
    for (arguments, want) in [
        (json!({}), "missing field `code`"),
        (json!({"code": 1}), "invalid type"),
        (json!({"code": "1", "cod": "2"}), "unknown field"),
        (json!({"code": "1", "session_id": "../x"}), "hint:"),
        (
            json!({"code": "1", "session_id": "x".repeat(200)}),
            "longer than 100",
        ),
        (json!({"code": "#".repeat(2_000_000)}), "code_bytes"),
    ] {
        raw.python(1, arguments);
        let answer = raw.answer();
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(want), "{want}: {text}");
    }
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"rm"}}"#);
    assert_eq!(raw.answer()["error"]["code"], -32602);
    // With `main` of above there are three; one more is too many, and those there are go on.
    for (name, is_error) in [("a", false), ("b", false), ("c", true), ("a", false)] {
        raw.python(3, json!({"code": "1", "session_id": name}));
        let answer = raw.answer();
        assert_eq!(
            answer["result"]["isError"] == true,
            is_error,
            "{name}: {answer}"
        );
    }
    // One call runs and sixteen wait; others are told to come again.
    for id in 100..140 {
        raw.python(
            id,
            json!({"code": "import time; time.sleep(0.2)", "session_id": "a"}),
        );
    }
    let mut refused = 0;
    for _ in 100..140 {
        let answer = raw.answer();
        let is_busy = answer["result"]["isError"] == true;
        if is_busy {
            let text = answer["result"]["content"][0]["text"].as_str().unwrap();
            assert!(text.contains("calls wait"), "{text}");
        }
        refused += usize::from(is_busy);
    }
    assert!((10..=23).contains(&refused), "{refused}");
    raw.send("{ this is no JSON");
    raw.send(&"[".repeat(100_000));
    raw.python(200, json!({"code": "6 * 7", "session_id": "b"}));
    let answer = loop {
        let answer = raw.answer();
        if answer["id"] == 200 {
            break answer;
        }
        assert!(answer["error"].is_object(), "{answer}");
    };
    assert_eq!(answer["result"]["content"][0]["text"], "42");
}

#[test]
fn the_server_ends_when_its_client_goes_also_while_code_runs() {
    let mut idle = Raw::start(&["mcp"]);
    drop(idle.child.stdin.take());
    assert!(idle.child.wait().unwrap().success());
    let mut busy = Raw::start(&[
        "mcp",
        "--limit",
        "guest_time_ms=10min",
        "--limit",
        "wall_time_ms=10min",
    ]);
    busy.python(1, json!({"code": "while True: pass"}));
    std::thread::sleep(Duration::from_millis(500));
    drop(busy.child.stdin.take());
    let begun = Instant::now();
    assert!(busy.child.wait().unwrap().success());
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

/// Code that is a list of many small objects: six bytes each, and hundreds as values.
fn large(objects: usize) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":300,\"method\":\"tools/call\",\"params\":{{\"name\":\"python\",\"arguments\":{{\"code\":[{}0]}}}}}}",
        "{\"\":0},".repeat(objects)
    )
}

#[test]
fn a_message_is_bounded_by_what_it_takes_as_values() {
    let mut raw = Raw::start(&["mcp"]);
    // One of usual size is answered as what it is.
    raw.send(&large(100));
    let text = raw.answer()["result"]["content"][0]["text"].to_string();
    assert!(text.contains("invalid type"), "{text}");
    let (_, before) = resident(&raw.child);
    raw.send(&large(2_300_000));
    raw.python(
        301,
        json!({"code": format!("len('{}')", "x".repeat(900_000))}),
    );
    let answer = loop {
        let answer = raw.answer();
        if answer["id"] == 301 {
            break answer;
        }
        assert!(answer["error"].is_object(), "{answer}");
    };
    assert_eq!(answer["result"]["content"][0]["text"], "900000");
    let grown = (resident(&raw.child).1 - before) >> 20;
    assert!(grown < 400, "{grown} MiB");
    let server = Http::start();
    let (_, before) = resident(&server.0);
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    assert_eq!(server.post(initialize), "HTTP/1.1 200");
    assert_eq!(server.post(&large(2_300_000)), "HTTP/1.1 413");
    let grown = (resident(&server.0).1 - before) >> 20;
    assert!(grown < 400, "{grown} MiB");
    assert_eq!(server.post(initialize), "HTTP/1.1 200");
}

/// A server over HTTP, which ends with this.
struct Http(Child, String);

impl Http {
    fn start() -> Self {
        let mut serve = command(&["mcp", "--http", "127.0.0.1:0"]);
        let mut child = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(url) = line.strip_prefix("serving ") {
                break url.to_owned();
            }
        };
        // What it says later has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child, url)
    }

    /// How the answer to a message begins.
    fn post(&self, body: &str) -> String {
        let address = self.1.trim_start_matches("http://");
        let address = address.trim_end_matches("/mcp");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        String::from_utf8_lossy(&head).into_owned()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[test]
fn clients_of_one_server_have_sessions_of_their_own() {
    let server = Http::start();
    RUNTIME.block_on(async {
        // The client of the registry's library takes what the process has.
        let _had_one = (*memex_tls::provider()).clone().install_default();
        let connect = || async {
            let transport = StreamableHttpClientTransport::from_uri(server.1.clone());
            Client::default().serve(transport).await.unwrap()
        };
        let (one, two) = (connect().await, connect().await);
        let first = python(&one, "x = 1\nx").await;
        let (value, note) = first.split_once('\n').unwrap();
        assert_eq!(value, "1");
        let id = note
            .strip_prefix("[session_id: ")
            .unwrap()
            .trim_end_matches(']');
        assert!(python(&two, "x").await.contains("NameError"));
        assert_eq!(python(&one, "x + 1").await, "2");
        // Who is told the name has the session.
        let named = json!({"session_id": id, "code": "x"});
        assert_eq!(text(&call(&two, "python", named).await), "1");
    });
}

#[test]
fn pages_of_other_origins_and_other_hosts_are_refused() {
    let server = Http::start();
    let address = server
        .1
        .trim_start_matches("http://")
        .trim_end_matches("/mcp")
        .to_owned();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let status = |host: &str, more: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nconnection: close\r\n{more}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        String::from_utf8_lossy(&head).into_owned()
    };
    assert_eq!(status(&address, ""), "HTTP/1.1 200");
    let own = format!("origin: http://{address}\r\n");
    assert_eq!(status(&address, &own), "HTTP/1.1 200");
    let other_port = "origin: http://127.0.0.1:1\r\n";
    assert_eq!(status(&address, other_port), "HTTP/1.1 403");
    assert_eq!(
        status(&address, "origin: https://evil.example\r\n"),
        "HTTP/1.1 403"
    );
    assert_eq!(status("evil.example", ""), "HTTP/1.1 403");
    let public = memex(&["mcp", "--http", "0.0.0.0:0"]);
    assert_eq!(public.status, 2);
    assert!(public.stderr.contains("--public"), "{}", public.stderr);
}

fn install(home: &Path, arguments: &[&str]) -> (i32, String) {
    let mut run = command(&["mcp", "install"]);
    run.args(arguments)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME");
    let output = run.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&told).into_owned(),
    )
}

#[test]
fn install_enters_a_server_that_then_starts() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".cursor/mcp.json");
    std::fs::create_dir(home.path().join(".cursor")).unwrap();
    std::fs::write(&file, r#"{"mcpServers": {"other": {"command": "x"}}}"#).unwrap();
    let (status, told) = install(
        home.path(),
        &["--client", "cursor", "--", "--limit", "guest_time_ms=2s"],
    );
    assert_eq!(status, 0, "{told}");
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    assert_eq!(read()["mcpServers"]["other"]["command"], "x");
    let entry = read()["mcpServers"]["memex"].clone();
    let program = entry["command"].as_str().unwrap().to_owned();
    assert!(Path::new(&program).is_absolute(), "{program}");
    assert_eq!(entry["args"], json!(["mcp", "--limit", "guest_time_ms=2s"]));
    let mut server = command(&[]);
    let envs: Vec<_> = server
        .get_envs()
        .map(|(n, v)| (n.to_owned(), v.map(ToOwned::to_owned)))
        .collect();
    server = Command::new(program);
    server.args(["mcp", "--limit", "guest_time_ms=2s"]);
    for (name, value) in envs {
        match value {
            Some(value) => server.env(name, value),
            None => server.env_remove(name),
        };
    }
    RUNTIME.block_on(async {
        let (client, _child) = connected(server).await;
        assert_eq!(python(&client, "1 + 1").await, "2");
    });
    std::fs::write(&file, "{ broken").unwrap();
    let (status, told) = install(home.path(), &["--client", "cursor"]);
    assert_eq!(status, 2, "{told}");
    assert!(told.contains("no JSON") && told.contains("hint:"), "{told}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{ broken");
    let (status, told) = install(home.path(), &["--client", "emacs"]);
    assert_eq!(status, 2);
    assert!(told.contains("claude-code"), "{told}");
}
