//! Turns over HTTP.

use crate::world::{World, eventually};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn the_outcome_is_the_object_that_every_front_end_has() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let outcome = client.run(&sandbox, "print('hi')\n1 / 0");
    assert_eq!(outcome["status"], "exception");
    assert_eq!(outcome["stdout"], "hi\n");
    assert_eq!(outcome["error"]["type"], "ZeroDivisionError");
    assert_eq!(
        (&outcome["turn"], &outcome["rolled_back"]),
        (&json!(1), &json!(false))
    );
    let outcome = client.run(&sandbox, "import sys\nprint('x', file=sys.stderr)");
    assert_eq!(
        (&outcome["stderr"], &outcome["turn"]),
        (&json!("x\n"), &json!(2))
    );
}

#[test]
fn what_is_shown_comes_with_the_outcome() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let outcome = client.run(
        &sandbox,
        "class T:\n    def _repr_html_(self): return '<b>t</b>'\ndisplay(T())",
    );
    let shown = outcome["displays"].as_array().unwrap();
    assert_eq!(
        shown[0]["data"]["text/html"]["text"], "<b>t</b>",
        "{outcome}"
    );
}

#[test]
fn a_limit_that_was_asked_for_holds_and_the_sandbox_goes_on() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "limits": { "guest_time_ms": "200ms" } }));
    client.value(&sandbox, "kept = 1");
    let outcome = client.run(&sandbox, "while True: pass");
    assert_eq!(
        (&outcome["status"], &outcome["limit"]["name"]),
        (&json!("limit"), &json!("guest_time_ms"))
    );
    assert_eq!(client.value(&sandbox, "kept"), "1");
}

#[test]
fn inputs_and_variables_are_there_from_the_beginning() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox =
        client.sandbox(json!({ "inputs": { "rows": [1, 2] }, "environment": { "MODE": "test" } }));
    assert_eq!(
        client.value(&sandbox, "import os\n(sum(rows), os.environ['MODE'])"),
        "(3, 'test')"
    );
}

#[test]
fn turns_of_one_sandbox_run_one_after_the_other() {
    let world = World::new();
    let key = world.key("a");
    let mut client = world.client_with(&key);
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "n = 0");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                world
                    .client_with(&key)
                    .value(&sandbox, "import time\nm = n\ntime.sleep(0.01)\nn = m + 1")
            });
        }
    });
    assert_eq!(client.value(&sandbox, "n"), "8");
}

#[test]
fn an_equal_request_with_the_same_key_runs_once() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "n = 0");
    let path = format!("{sandbox}/turns");
    let headers = [("idempotency-key", "once")];
    let body = json!({ "code": "n += 1\nn" });
    let first = client
        .post_with(&path, &headers, body.clone())
        .expect(200)
        .json();
    let again = client.post_with(&path, &headers, body).expect(200).json();
    assert_eq!(first, again);
    assert_eq!(client.value(&sandbox, "n"), "1");
    let other = client.post_with(&path, &headers, json!({ "code": "n" }));
    other.problem(409, "idempotency-mismatch");
}

#[test]
fn an_interrupt_ends_a_turn_and_keeps_the_scope() {
    let world = World::new();
    let key = world.key("a");
    let mut client = world.client_with(&key);
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "kept = 1");
    for (hard, status) in [(false, "exception"), (true, "limit")] {
        std::thread::scope(|scope| {
            let run = scope.spawn(|| {
                let mut client = world.client_with(&key);
                client.run(&sandbox, "kept = 2\nwhile True: pass")
            });
            // One that has not begun would be taken back, and nothing tells whether it has.
            std::thread::sleep(std::time::Duration::from_millis(500));
            let path = format!("{sandbox}/interrupt");
            eventually(|| {
                client
                    .post(&path, json!({ "hard": hard }))
                    .expect(200)
                    .json()["running"]
                    == true
            });
            let outcome = run.join().unwrap();
            if hard {
                assert_eq!(outcome["rolled_back"], true, "{outcome}");
            } else {
                assert_eq!(
                    (&outcome["status"], &outcome["error"]["type"]),
                    (&json!(status), &json!("KeyboardInterrupt"))
                );
                client.value(&sandbox, "kept = 1");
            }
        });
        assert_eq!(client.value(&sandbox, "kept"), "1");
    }
    let idle = client.post(&format!("{sandbox}/interrupt"), json!({}));
    assert_eq!(idle.expect(200).json()["running"], false);
}

#[test]
fn a_client_that_goes_away_interrupts_its_turn() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "n = 0");
    let code = json!({ "code": "n = 1\nimport time\nprint('now')\nwhile True: time.sleep(0.01)" });
    let mut events = world.client("a").events(&format!("{sandbox}/turns"), code);
    assert_eq!(events.next().unwrap().0, "started");
    // It may not have begun before this.
    assert_eq!(events.next().unwrap().0, "stdout");
    drop(events);
    let began = Instant::now();
    assert_eq!(client.value(&sandbox, "n"), "1");
    // The limit of the policy would have ended it after ten seconds.
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_request_with_a_key_goes_on_when_its_client_goes_away() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let path = format!("{sandbox}/turns");
    let code = "import time\ntime.sleep(0.3)\ndone = 7\ndone";
    let body = json!({ "code": code }).to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        client.key,
        body.len()
    );
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(world.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    drop(stream);
    let again = client.post_with(&path, &[("idempotency-key", "k")], json!({ "code": code }));
    let outcome: Value = again.expect(200).json();
    assert_eq!(
        (&outcome["status"], &outcome["turn"]),
        (&json!("ok"), &json!(1)),
        "{outcome}"
    );
    assert_eq!(client.value(&sandbox, "done"), "7");
}
