//! What a policy grants and bounds of the network, against a server on loopback.

use crate::memex::{Ran, memex};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// Answers `/big` with 100,000 bytes, `/loop` with a redirect to itself,
/// `/silent` never, and all else with `{"path": …}`.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming().flatten() {
            if let Some(stream) = answer(stream) {
                silent.push(stream);
            }
        }
    });
    port
}

fn answer(stream: TcpStream) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut stream = stream;
    let (head, body) = match path.as_str() {
        "/silent" => return Some(stream),
        "/big" => ("200 OK\r\n".to_owned(), "x".repeat(100_000)),
        "/loop" => ("302 Found\r\nlocation: /loop\r\n".to_owned(), String::new()),
        path => ("200 OK\r\n".to_owned(), format!("{{\"path\": \"{path}\"}}")),
    };
    let length = body.len();
    // Whoever is bounded hangs up early.
    let _sent = write!(
        stream,
        "HTTP/1.1 {head}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    None
}

fn policy(folder: &Path, port: u16, limits: &str) -> String {
    let path = folder.join("web.toml");
    let text = format!(
        "version = 1\nextends = 'web'\n[limits]\n{limits}\n[[network]]\nhost = '127.0.0.1'\nports = [{port}]\nmethods = ['GET', 'POST']\nprivate_addresses = true\n"
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn run(policy: &str, code: &str) -> Ran {
    memex(&["run", "--policy", policy, "-c", code])
}

#[test]
fn a_policy_bounds_requests() {
    let folder = tempfile::tempdir().unwrap();
    let port = server();
    let at = |path: &str| format!("'http://127.0.0.1:{port}{path}'");
    let get = |path: &str| format!("fetch({}).status", at(path));
    // Each limit at the bound, and past it.
    for (limits, code, told) in [
        ("http_response_bytes = 100_000", get("/big"), None),
        (
            "http_response_bytes = 99_999",
            get("/big"),
            Some("exceeds `http_response_bytes` (99999)"),
        ),
        (
            "http_request_bytes = 5",
            format!("fetch({}, method='POST', body=b'12345').status", at("/")),
            None,
        ),
        (
            "http_request_bytes = 4",
            format!("fetch({}, method='POST', body=b'12345').status", at("/")),
            Some("exceeds `http_request_bytes` (5 > 4)"),
        ),
        ("http_requests = 2", format!("{0}; {0}", get("/")), None),
        (
            "http_requests = 2",
            format!("{0}; {0}; {0}", get("/")),
            Some("has used up `http_requests` (2)"),
        ),
        (
            "http_redirects = 3",
            get("/loop"),
            Some("more often than `http_redirects` (3)"),
        ),
        ("http_time_ms = 300", get("/silent"), Some("TimeoutError")),
    ] {
        let ran = run(&policy(folder.path(), port, limits), &code);
        match told {
            None => assert_eq!(ran.stdout, "200\n", "{limits}: {ran:#?}"),
            Some(told) => assert!(ran.stderr.contains(told), "{limits}: {ran:#?}"),
        }
    }
    // An overlay lowers them, and raises none.
    let base = policy(folder.path(), port, "http_requests = 2");
    let overlay = |text: &str| {
        let path = folder.path().join("overlay.toml");
        std::fs::write(&path, format!("version = 1\n{text}\n")).unwrap();
        path.display().to_string()
    };
    let code = format!("{0}; {0}", get("/"));
    let narrow = overlay("limits.http_requests = 1");
    let ran = memex(&["run", "--policy", &base, "--policy", &narrow, "-c", &code]);
    assert!(ran.stderr.contains("`http_requests` (1)"), "{ran:#?}");
    let wide = overlay("limits.http_requests = 3");
    let ran = memex(&["run", "--policy", &base, "--policy", &wide, "-c", &code]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    let shown = memex(&["policy", "show", &base]);
    assert!(
        shown.stdout.contains("A session may make 2 requests"),
        "{shown:#?}"
    );
    assert!(shown.stdout.contains("receive 32 MiB"), "{shown:#?}");
}

/// What is not granted is not reached, whoever asks; loopback only because it
/// is granted with private addresses.
#[test]
fn only_what_is_granted_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let port = server();
    let granted = policy(folder.path(), port, "");
    let url = format!("http://127.0.0.1:{port}/a");
    for code in [
        format!("import json\njson.loads(fetch('{url}').body)['path']"),
        format!("import urllib.request, json\njson.load(urllib.request.urlopen('{url}'))['path']"),
        format!("import requests\nrequests.get('{url}').json()['path']"),
        format!(
            "import http.client, json\nc = http.client.HTTPConnection('127.0.0.1', {port})\nc.request('GET', '/a')\njson.load(c.getresponse())['path']"
        ),
    ] {
        let ran = run(&granted, &code);
        assert_eq!(ran.stdout, "'/a'\n", "{code}: {ran:#?}");
    }
    let text = std::fs::read_to_string(&granted).unwrap();
    std::fs::write(&granted, text.replace("private_addresses = true\n", "")).unwrap();
    let ran = run(&granted, &format!("fetch('{url}').status"));
    assert!(ran.stderr.contains("PermissionError"), "{ran:#?}");
    std::fs::write(&granted, text).unwrap();
    for other in [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://127.0.0.2/".to_owned(),
        format!("http://localhost:{port}/"),
        format!("http://2130706434:{port}/"),
        format!("http://127.0.0.1:{}/", port ^ 1),
        "file:///etc/passwd".to_owned(),
    ] {
        let ran = run(&granted, &format!("fetch('{other}')"));
        assert!(
            ran.stderr.contains("PermissionError") || ran.stderr.contains("ValueError"),
            "{other}: {ran:#?}"
        );
    }
}
