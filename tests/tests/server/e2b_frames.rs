//! Calls and frames of E2B's daemon: what is refused, and how.

use crate::e2b_client::{Control, FILES, frame};
use crate::world::World;
use serde_json::json;

const STAT: &str = "filesystem.Filesystem/Stat";
const START: &str = "process.Process/Start";

#[test]
fn calls_about_files_answer_in_protos_json() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, FILES);
    let octets = [("content-type", "application/octet-stream")];
    let written = port
        .send("POST", "/files?path=d/a.txt", &octets, b"four")
        .expect(200)
        .json();
    assert_eq!(
        written,
        json!([{"path": "/home/user/d/a.txt", "name": "a.txt", "type": "file"}])
    );
    let entry = port
        .call(STAT, json!({"path": "d/a.txt"}))
        .expect(200)
        .json()["entry"]
        .clone();
    assert_eq!(
        (&entry["size"], &entry["type"]),
        (&json!("4"), &json!("FILE_TYPE_FILE"))
    );
    assert_eq!(
        (&entry["mode"], &entry["permissions"]),
        (&json!(420), &json!("-rw-r--r--"))
    );
    assert!(
        entry["modifiedTime"].as_str().unwrap().ends_with('Z'),
        "{entry}"
    );
    let listed = port
        .call(
            "filesystem.Filesystem/ListDir",
            json!({"path": ".", "depth": 2}),
        )
        .expect(200)
        .json();
    let paths: Vec<_> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["path"])
        .collect();
    assert_eq!(paths, ["/home/user/d", "/home/user/d/a.txt"]);
    for (call, message, status, code) in [
        (STAT, json!({"path": "no"}), 404, "not_found"),
        (STAT, json!({"path": ""}), 400, "invalid_argument"),
        (STAT, json!({"path": "a\u{0}b"}), 400, "invalid_argument"),
        (
            STAT,
            json!({"path": "x".repeat(5_000)}),
            400,
            "invalid_argument",
        ),
        (STAT, json!({"path": 1}), 400, "invalid_argument"),
        (
            "filesystem.Filesystem/MakeDir",
            json!({"path": "d"}),
            409,
            "already_exists",
        ),
        (
            "filesystem.Filesystem/ListDir",
            json!({"path": "d/a.txt"}),
            400,
            "invalid_argument",
        ),
        (
            "filesystem.Filesystem/Move",
            json!({"source": "no", "destination": "x"}),
            404,
            "not_found",
        ),
        (
            "filesystem.Filesystem/CreateWatcher",
            json!({"path": "no"}),
            404,
            "not_found",
        ),
        (
            "filesystem.Filesystem/GetWatcherEvents",
            json!({"watcherId": "x"}),
            404,
            "not_found",
        ),
        (
            "process.Process/SendSignal",
            json!({"process": {"pid": 1}}),
            404,
            "not_found",
        ),
    ] {
        let answer = port.call(call, message.clone()).expect(status).json();
        assert_eq!(answer["code"], code, "{call} {message}");
    }
    port.call("filesystem.Filesystem/Nothing", json!({}))
        .expect(404);
    // Above the root there is nothing: the file is the sandbox's own.
    let up = port
        .call(STAT, json!({"path": "/../../home/user/d/../d/a.txt"}))
        .expect(200)
        .json();
    assert_eq!(up["entry"]["path"], "/home/user/d/a.txt");
}

#[test]
fn calls_that_are_no_json_are_refused() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, FILES);
    let path = format!("/{STAT}");
    for (headers, body, status, code) in [
        (
            &[("content-type", "application/proto")][..],
            &b"\x0a\x01x"[..],
            501,
            "unimplemented",
        ),
        (
            &[("content-type", "text/plain")],
            b"{}",
            501,
            "unimplemented",
        ),
        (&[], b"{}", 501, "unimplemented"),
        (
            &[("content-type", "application/json")],
            b"{",
            400,
            "invalid_argument",
        ),
        (
            &[("content-type", "application/json")],
            b"\0\xff",
            400,
            "invalid_argument",
        ),
        (
            &[
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
            b"{}",
            501,
            "unimplemented",
        ),
        (
            &[
                ("content-type", "application/json"),
                ("connect-timeout-ms", "-1"),
            ],
            b"{}",
            400,
            "invalid_argument",
        ),
    ] {
        let answer = port
            .send("POST", &path, headers, body)
            .expect(status)
            .json();
        assert_eq!(answer["code"], code, "{headers:?}");
    }
    let huge = format!("{{\"path\": \"{}\"}}", "x".repeat(1 << 20));
    let json = [("content-type", "application/json")];
    let answer = port
        .send("POST", &path, &json, huge.as_bytes())
        .expect(429)
        .json();
    assert_eq!(answer["code"], "resource_exhausted");
    // A stranger's message is not read.
    port.token = "wrong".to_owned();
    let answer = port.send("POST", &path, &json, b"{").expect(401).json();
    assert_eq!(answer["code"], "unauthenticated");
}

#[test]
fn frames_that_are_cut_or_followed_by_others_end_the_stream() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, FILES);
    let whole = frame(&json!({"process": {"cmd": "echo", "args": ["hi"]}}));
    let code_of = |port: &mut crate::e2b_client::Port, body: &[u8]| {
        let (messages, end) = port.stream(START, body);
        assert!(messages.is_empty(), "{messages:?}");
        end["error"]["code"].as_str().unwrap_or_default().to_owned()
    };
    let mut compressed = whole.clone();
    compressed[0] = 1;
    let mut ended = whole.clone();
    ended[0] = 2;
    let mut long = whole.clone();
    long[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
    for (body, code) in [
        (&b""[..], "invalid_argument"),
        (&whole[..3], "invalid_argument"),
        (&whole[..whole.len() - 1], "invalid_argument"),
        (&long, "invalid_argument"),
        (&ended, "invalid_argument"),
        (&[whole.clone(), whole.clone()].concat(), "invalid_argument"),
        (&compressed, "unimplemented"),
        (&frame(&json!([])), "invalid_argument"),
        (
            &frame(&json!({"process": {"cmd": "a\u{0}b"}})),
            "invalid_argument",
        ),
        (
            &frame(&json!({"process": {"cmd": "cat"}, "stdin": true})),
            "unimplemented",
        ),
        (
            &frame(&json!({"process": {"cmd": "bash"}, "pty": {"size": {"cols": 1}}})),
            "unimplemented",
        ),
    ] {
        assert_eq!(code_of(&mut port, body), code, "{body:?}");
    }
    // The same call, whole, runs.
    let (messages, end) = port.stream(START, &whole);
    assert_eq!(end, json!({}));
    assert!(messages[0]["event"]["start"]["pid"].as_u64().unwrap() > 0);
    assert_eq!(messages[1]["event"]["data"]["stdout"], "aGkK");
    let last = &messages.last().unwrap()["event"]["end"];
    assert_eq!(
        (&last["exitCode"], &last["exited"]),
        (&json!(0), &json!(true))
    );
    // A stranger's stream ends at once.
    port.token = String::new();
    assert_eq!(code_of(&mut port, &whole), "unauthenticated");
}

#[test]
fn a_command_that_takes_longer_than_its_client_waits_is_ended() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, FILES);
    let body =
        frame(&json!({"process": {"cmd": "/bin/bash", "args": ["-l", "-c", "echo on; sleep 60"]}}));
    let headers = [
        ("content-type", "application/connect+json"),
        ("connect-timeout-ms", "1500"),
    ];
    let answer = port
        .send("POST", &format!("/{START}"), &headers, &body)
        .expect(200);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("deadline_exceeded"), "{text}");
    // The sandbox is free again.
    let (_, end) = port.stream(START, &frame(&json!({"process": {"cmd": "true"}})));
    assert_eq!(end, json!({}));
}
