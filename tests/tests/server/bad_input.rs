//! Requests that are wrong, of any kind and size.

use crate::client::{Client, PATIENCE};
use crate::world::World;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

#[test]
fn bodies_that_cannot_be_read_are_told_where() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let turns = format!("{sandbox}/turns");
    let kind = [("content-type", "application/json")];
    for (path, body, detail) in [
        (turns.as_str(), "", "missing field `code`"),
        (&turns, "{", "EOF"),
        (&turns, "[]", "no JSON object"),
        (&turns, r#"["1"]"#, "no JSON object"),
        (&turns, r#"{"code":1}"#, "`code`"),
        (&turns, r#"{"code":"1","extra":1}"#, "unknown field `extra`"),
        (
            &turns,
            r#"{"code":"1"} trailing"#,
            "goes on after its value",
        ),
        (
            &turns,
            r#"{"code":"1","durability":"forever"}"#,
            "`durability`",
        ),
        (&turns, "\u{0}", "no JSON object"),
        ("/v1/sandboxes", r#"{"lifetime_s":-1}"#, "`lifetime_s`"),
        (
            "/v1/sandboxes",
            r#"{"tools":[{"name":1}]}"#,
            "`tools[0].name`",
        ),
        ("/v1/sandboxes", r#"{"metadata":{"a":1}}"#, "`metadata.a`"),
    ] {
        let refused = client.send("POST", path, &kind, body.as_bytes());
        let problem = refused.problem(400, "invalid-request");
        assert!(
            problem["detail"].as_str().unwrap().contains(detail),
            "{body}: {problem}"
        );
    }
    let deep = "[".repeat(100_000);
    client
        .send("POST", &turns, &kind, deep.as_bytes())
        .problem(400, "invalid-request");
    client
        .send("POST", &turns, &[("content-type", "text/plain")], b"{}")
        .problem(400, "invalid-request");
    client
        .send("POST", &turns, &kind, &[0xff, 0xfe])
        .problem(400, "invalid-request");
    // The control.
    assert_eq!(client.value(&sandbox, "1"), "1");
}

#[test]
fn sizes_are_bounded() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    // Of a turn's code, by the policy.
    let outcome = client.run(&sandbox, &"#".repeat((1 << 20) + 1));
    assert_eq!(outcome["status"], "refused", "{outcome}");
    let many: std::collections::BTreeMap<String, String> =
        (0..300).map(|n| (n.to_string(), String::new())).collect();
    client
        .post("/v1/sandboxes", json!({ "metadata": many }))
        .problem(413, "too-large");
    let long = json!({ "metadata": { "a": "x".repeat(20_000) } });
    client.post("/v1/sandboxes", long).problem(413, "too-large");
    // More than the listener takes, said by its length alone.
    let head = format!(
        "POST {sandbox}/turns HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 99999999999\r\n\r\n",
        client.key
    );
    assert_eq!(world.client_with("").raw(head.as_bytes()).status, 413);
    assert_eq!(client.value(&sandbox, "1"), "1");
}

#[test]
fn identifiers_that_are_none_name_nothing() {
    let world = World::new();
    let mut client = world.client("a");
    for id in [
        "x",
        "..",
        "%2e%2e%2f",
        "aaaaaaaaaaaaaaaaaaa%00",
        "AAAAAAAAAAAAAAAAAAAA",
        &"a".repeat(5_000),
    ] {
        client
            .get(&format!("/v1/sandboxes/{id}"))
            .problem(404, "not-found");
    }
}

#[test]
fn half_requests_and_clients_that_leave_cost_nobody_anything() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let key = &client.key;
    let head =
        format!("POST {sandbox}/turns HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n");
    for half in [
        "GET".to_owned(),
        head.clone(),
        format!("{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"code\""),
        format!(
            "{head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{{\"cod"
        ),
        format!(
            "{head}content-type: application/json\r\ncontent-length: 14\r\n\r\n{{\"code\":\"x=1\"}}"
        ),
    ] {
        for shutdown in [Shutdown::Both, Shutdown::Write] {
            let mut stream = TcpStream::connect(world.address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(half.as_bytes()).unwrap();
            let _closed = stream.shutdown(shutdown);
            drop(stream);
        }
    }
    // Smuggling: two lengths, and a length beside chunks.
    for smuggled in [
        format!("{head}content-length: 3\r\ncontent-length: 5\r\n\r\nabc"),
        format!("{head}content-length: x\r\n\r\n"),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "\r\n\r\n\0\0\0\r\n\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(world.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(smuggled.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.is_empty(),
            "{smuggled}: {answer}"
        );
    }
    assert_eq!(client.value(&sandbox, "1"), "1");
}

#[test]
fn a_thousand_connections_that_say_nothing_keep_nobody_out() {
    let world = World::new();
    let silent: Vec<TcpStream> = (0..1_000)
        .filter_map(|_| TcpStream::connect(world.address).ok())
        .collect();
    assert!(silent.len() > 500);
    let key = world.key("a");
    let mut client = Client::new(world.address, &key);
    let sandbox = client.sandbox(json!({}));
    assert_eq!(client.value(&sandbox, "1"), "1");
}

#[test]
fn a_sandbox_takes_only_so_many_who_wait_for_it() {
    let world = World::new();
    let key = world.key("a");
    let mut client = world.client_with(&key);
    let sandbox = client.sandbox(json!({}));
    let path = format!("{sandbox}/turns");
    let body = json!({ "code": "import time\ntime.sleep(2)" }).to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let waiting: Vec<TcpStream> = (0..70)
        .map(|_| {
            let mut stream = TcpStream::connect(world.address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    // Of seventy, six are told at once.
    for stream in &waiting {
        stream.set_nonblocking(true).unwrap();
    }
    let mut refused = 0;
    crate::world::eventually(|| {
        for mut stream in &waiting {
            let mut head = [0; 12];
            if stream.read(&mut head).is_ok_and(|read| read == 12) && &head[9..] == b"429" {
                refused += 1;
            }
        }
        refused == 6
    });
    client.get(&path).problem(429, "busy");
    drop(waiting);
    crate::world::eventually(|| client.get(&path).status == 200);
}
