//! The code interpreter's wire: lines, contexts, and clients that leave.

use crate::e2b_client::{CODE, Control, FILES};
use crate::world::{World, eventually};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn an_execution_is_lines_in_order() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, CODE);
    let code = "import sys\nprint('hi')\nprint('no', file=sys.stderr)\n1 + 1";
    let lines =
        port.execute(json!({"code": code, "context_id": null, "language": null, "env_vars": null}));
    assert_eq!(
        lines[0],
        json!({"type": "number_of_executions", "execution_count": 1})
    );
    assert_eq!(
        (&lines[1]["type"], &lines[1]["text"]),
        (&json!("stdout"), &json!("hi\n"))
    );
    assert!(lines[1]["timestamp"].as_str().unwrap().contains('T'));
    assert_eq!(
        (&lines[2]["type"], &lines[2]["text"]),
        (&json!("stderr"), &json!("no\n"))
    );
    assert_eq!(
        lines[3],
        json!({"type": "result", "is_main_result": true, "text": "2", "extra": {}})
    );
    assert_eq!(lines[4..], [json!({"type": "end_of_execution"})]);
    let failed = port.execute(json!({"code": "x"}));
    assert_eq!(failed[0]["execution_count"], 2);
    assert_eq!(
        (&failed[1]["type"], &failed[1]["name"]),
        (&json!("error"), &json!("NameError"))
    );
    assert!(
        failed[1]["traceback"]
            .as_str()
            .unwrap()
            .contains("NameError")
    );
}

#[test]
fn requests_that_make_no_sense_are_told_as_texts() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, CODE);
    for (body, status) in [
        (
            json!({"code": "1", "context_id": "c", "language": "python"}),
            400,
        ),
        (json!({"code": "1", "language": "r"}), 400),
        (json!({"code": "1", "context_id": "nothing"}), 404),
        (
            json!({"code": "1", "context_id": "'); raise SystemExit; ('"}),
            404,
        ),
        (json!({"code": "1", "context_id": "\u{0}"}), 404),
        (json!({"code": 1}), 400),
        (json!({}), 400),
        (json!({"code": "1", "env_vars": {"A=B": "x"}}), 400),
        (json!({"code": "1", "env_vars": {"": "x"}}), 400),
        (json!({"code": "1", "env_vars": {"A": "\u{0}"}}), 400),
    ] {
        let answer = port.json("POST", "/execute", body.clone());
        assert_eq!(
            answer.status,
            status,
            "{body}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        assert!(
            serde_json::from_slice::<Value>(&answer.body).is_err(),
            "{body}: it is a text"
        );
    }
    for cwd in ["", "a\u{0}b", &"x".repeat(5_000)] {
        let answer = port.json("POST", "/contexts", json!({ "cwd": cwd }));
        assert_eq!(
            answer.status,
            if cwd.is_empty() { 200 } else { 400 },
            "{cwd:?}"
        );
    }
    port.json("POST", "/contexts", json!({"language": "r"}))
        .expect(400);
    port.send("DELETE", "/contexts/nothing", &[], b"")
        .expect(404);
    port.send("POST", "/contexts/nothing/restart", &[], b"")
        .expect(404);
    assert_eq!(port.value("'still here'"), "'still here'");
}

#[test]
fn contexts_are_counted_and_bounded() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, CODE);
    for _ in 1..32 {
        port.json("POST", "/contexts", json!({})).expect(200);
    }
    port.json("POST", "/contexts", json!({})).expect(429);
    let all = port.send("GET", "/contexts", &[], b"").expect(200).json();
    assert_eq!(all.as_array().unwrap().len(), 32);
    let one = all
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] != "default")
        .unwrap();
    let path = format!("/contexts/{}", one["id"].as_str().unwrap());
    port.send("DELETE", &path, &[], b"").expect(204);
    port.json("POST", "/contexts", json!({})).expect(200);
}

/// What code does to the module behind contexts is the answer of that sandbox alone.
#[test]
fn code_that_breaks_its_contexts_is_told() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, CODE);
    let made = port.json("POST", "/contexts", json!({})).expect(200).json();
    port.execute(
        json!({"code": "import sys\nsys.modules['memex_contexts'].ask = lambda: print('x' * 100)"}),
    );
    port.json(
        "POST",
        "/execute",
        json!({"code": "1", "context_id": made["id"]}),
    )
    .expect(400);
    port.send("GET", "/contexts", &[], b"").expect(400);
    assert_eq!(port.value("1 + 1"), "2");
}

#[test]
fn a_client_that_leaves_interrupts_its_code() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, CODE);
    port.execute(json!({"code": "kept = 1"}));
    let body =
        json!({"code": "import time\nwhile True: time.sleep(0.01)", "env_vars": {"KEY": "v"}})
            .to_string();
    let request = format!(
        "POST /execute HTTP/1.1\r\nhost: x\r\ne2b-sandbox-id: {}\r\ne2b-sandbox-port: 49999\r\n\
         x-access-token: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        port.sandbox,
        port.token,
        body.len()
    );
    let mut leaver = TcpStream::connect(world.address).unwrap();
    leaver.write_all(request.as_bytes()).unwrap();
    eventually(|| world.service.load().2 > 0);
    std::thread::sleep(Duration::from_millis(300));
    drop(leaver);
    let began = Instant::now();
    assert_eq!(port.value("kept"), "1");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    // Its variables went with it.
    assert_eq!(port.value("'KEY' in __import__('os').environ"), "False");
}

#[test]
fn a_sandbox_that_is_killed_breaks_its_answers_off() {
    let world = World::new();
    let mut control = Control::new(&world, "a");
    let mut port = control.port(&world, CODE);
    let mut files = port.at(&world, FILES);
    let path = format!("/sandboxes/{}", port.sandbox);
    let running = std::thread::spawn(move || {
        let body = json!({"code": "import time\nwhile True: time.sleep(0.01)"});
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            port.json("POST", "/execute", body).body
        }))
    });
    eventually(|| world.service.load().2 > 0);
    std::thread::sleep(Duration::from_millis(300));
    control.send("DELETE", &path, Value::Null).expect(204);
    let answer = running.join().unwrap();
    if let Ok(body) = answer {
        assert!(!String::from_utf8_lossy(&body).contains("end_of_execution"));
    }
    files.send("GET", "/health", &[], b"").expect(502);
}
