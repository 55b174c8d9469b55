//! The server over HTTP: whom it answers, and how many.

use super::{Client, Place, call, over_streams, text};
use crate::desk::RUNTIME;
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequest, CallToolRequestParams, ClientRequest};
use rmcp::service::PeerRequestOptions;
use rmcp::transport::StreamableHttpClientTransport;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

/// A server that listens, and where.
struct Listening {
    child: std::process::Child,
    url: String,
}

impl Listening {
    fn new(place: &Place, more: &[&str]) -> Self {
        let mut serve = place.serve(&[&["--http", "127.0.0.1:0"], more].concat());
        let mut child = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().strip_prefix("serving ").map(str::to_owned));
        let url = url.expect("the server says where it is");
        Self { child, url }
    }

    fn address(&self) -> &str {
        let rest = self.url.strip_prefix("http://").unwrap();
        rest.split_once('/').unwrap().0
    }

    /// What an initialisation with these headers is answered: the status, and
    /// the session that began.
    fn initialize(&self, headers: &[(&str, &str)]) -> (u16, Option<String>) {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "raw", "version": "1"},
            },
        });
        self.ask("POST", headers, &body.to_string())
    }

    fn ask(&self, method: &str, headers: &[(&str, &str)], body: &str) -> (u16, Option<String>) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let mut head = format!("{method} /mcp HTTP/1.1\r\nconnection: close\r\n");
        let mut usual = vec![
            ("host", self.address()),
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
        ];
        usual.retain(|(name, _)| !headers.iter().any(|(own, _)| own == name));
        for (name, value) in usual.iter().chain(headers) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        head.push_str(&format!("content-length: {length}\r\n\r\n{body}"));
        stream.write_all(head.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let status = lines.next().unwrap();
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut head = lines.take_while(|line| !line.is_empty());
        let session =
            head.find_map(|line| line.strip_prefix("mcp-session-id: ").map(str::to_owned));
        (status, session)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_agent_answers_over_http() {
    let place = Place::new();
    let server = Listening::new(&place, &[]);
    RUNTIME.block_on(async {
        // The client of the registry's library takes what the process has.
        let _had_one = (*memex_tls::provider()).clone().install_default();
        let transport = StreamableHttpClientTransport::from_uri(server.url.clone());
        let client = Client::default().serve(transport).await.unwrap();
        let result = call(
            &client,
            "use_memory_agent",
            json!({"question": "Who am I?"}),
        )
        .await;
        assert_eq!(text(&result), "You are Ada.");
        let steps = client.service().steps.lock().unwrap().clone();
        let told: Vec<&str> = steps.iter().map(|(_, step)| step.as_str()).collect();
        assert!(told.contains(&"working on the memory"), "{told:?}");
        client.cancel().await.unwrap();
    });
}

#[test]
fn foreign_hosts_and_pages_are_refused() {
    let place = Place::new();
    let server = Listening::new(&place, &["--allow-host", "notes.example"]);
    let port = server.address().split_once(':').unwrap().1.to_owned();
    let here = format!("localhost:{port}");
    let named = format!("notes.example:{port}");
    for (headers, expected) in [
        (vec![], 200),
        (vec![("host", here.as_str())], 200),
        (vec![("host", named.as_str())], 200),
        // A name that an attacker points at this machine.
        (vec![("host", "rebound.example")], 403),
        // Pages of this machine, such as the protocol's inspector.
        (vec![("origin", "http://localhost:6274")], 200),
        (vec![("origin", "http://127.0.0.1")], 200),
        (vec![("origin", "http://localhost.example")], 403),
        // A page in the browser of somebody on this machine.
        (vec![("origin", "https://page.example")], 403),
        (vec![("origin", "null")], 403),
    ] {
        assert_eq!(server.initialize(&headers).0, expected, "{headers:?}");
    }
    // What a browser asks before a page of this machine may call.
    let asks = |origin| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
        ];
        server.ask("OPTIONS", &headers, "").0
    };
    assert_eq!(asks("http://localhost:6274"), 204);
    assert_ne!(asks("https://page.example"), 204);
}

#[test]
fn clients_at_once_are_bounded() {
    const CLIENTS_MAX: usize = 256;
    let place = Place::new();
    let server = Listening::new(&place, &[]);
    let mut last = None;
    for number in 0..CLIENTS_MAX {
        let (status, session) = server.initialize(&[]);
        assert_eq!(status, 200, "client {number}");
        last = session;
    }
    assert_eq!(server.initialize(&[]).0, 503);
    // One that says goodbye makes room.
    let session = last.unwrap();
    let gone = server.ask("DELETE", &[("mcp-session-id", &session)], "");
    assert!((200..300).contains(&gone.0), "{gone:?}");
    assert_eq!(server.initialize(&[]).0, 200);
    assert_eq!(server.initialize(&[]).0, 503);
}

#[test]
fn a_call_that_is_cancelled_makes_room_for_others() {
    /// Agents that work at once.
    const AGENTS_MAX: usize = 16;
    const SLOW: &str = r#"
order = "keyed"
[[reply]]
expect.contains = "wait"
times = 0
text = "<reply>late</reply>"
latency_ms = 3600000
[[reply]]
times = 0
text = "<reply>Here.</reply>"
"#;
    let place = Place::new();
    std::fs::write(place.path("script.toml"), SLOW).unwrap();
    RUNTIME.block_on(async {
        let (client, _child) = over_streams(place.serve(&[])).await;
        let mut waiting = Vec::new();
        for _ in 0..AGENTS_MAX {
            let params = CallToolRequestParams::new("use_memory_agent")
                .with_arguments(json!({"question": "wait"}).as_object().unwrap().clone());
            let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
            let options = PeerRequestOptions::no_options();
            waiting.push(
                client
                    .send_cancellable_request(request, options)
                    .await
                    .unwrap(),
            );
        }
        for call in waiting {
            call.cancel(Some("not any more".to_owned())).await.unwrap();
        }
        let result = call(&client, "use_memory_agent", json!({"question": "and now?"})).await;
        assert_eq!(text(&result), "Here.");
        client.cancel().await.unwrap();
    });
}

#[test]
fn other_machines_are_not_served_by_accident() {
    let place = Place::new();
    let output = place.serve(&["--http", "0.0.0.0:0"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("--public"), "{told}");
    assert!(Path::new(&place.path("memory")).is_dir());
}

#[test]
fn half_requests_do_not_stay_and_stop_no_client() {
    let place = Place::new();
    let server = Listening::new(&place, &[]);
    let mut held = Vec::new();
    for count in 0..3_000 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let half = match count % 2 {
            0 => "POST /mcp HTTP/1.1\r\nhost: localhost\r\n",
            _ => "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9999\r\n\r\n{",
        };
        stream.write_all(half.as_bytes()).unwrap();
        held.push(stream);
        if count % 1_000 == 999 {
            assert_eq!(server.initialize(&[]).0, 200, "after {count}");
        }
    }
    // Most have been closed already: those that are left are bounded in number.
    let open = held.iter().filter(|stream| is_open(stream)).count();
    assert!((1..=512).contains(&open), "{open} are open");
    // And in time.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while held.iter().any(is_open) {
        assert!(std::time::Instant::now() < until, "half requests stay open");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_eq!(server.initialize(&[]).0, 200);
}

fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut stream = stream;
    loop {
        // Some have an answer to read before their end.
        match std::io::Read::read(&mut stream, &mut [0; 512]) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}
