//! Sleep, lifetimes, pauses.

use crate::world::{World, eventually};
use serde_json::json;
use std::time::Duration;

fn sleepy() -> World {
    World::with(|options| {
        options.idle = Duration::from_millis(300);
        options.memory_idle = Duration::from_millis(2_500);
    })
}

#[test]
fn an_idle_sandbox_sleeps_in_memory_then_in_the_store_and_any_request_wakes_it() {
    let world = sleepy();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "x = [1]\nopen('/tmp/f','w').write('1')");
    let state = |client: &mut crate::client::Client| {
        client.get(&sandbox).json()["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(state(&mut client), "live");
    eventually(|| world.service.load().0.in_memory == 1);
    assert_eq!(state(&mut client), "asleep");
    assert_eq!(client.value(&sandbox, "x.append(2)\nx"), "[1, 2]");
    assert_eq!(state(&mut client), "live");
    // Without a request it is in the store alone in the end.
    eventually(|| world.service.load().0.in_memory == 1);
    eventually(|| {
        let pool = world.service.load().0;
        pool.in_memory + pool.awake + pool.in_use == 0
    });
    assert_eq!(state(&mut client), "asleep");
    assert_eq!(
        client
            .get(&format!("{sandbox}/files?path=/tmp/f"))
            .expect(200)
            .body,
        b"1"
    );
    assert_eq!(client.value(&sandbox, "x"), "[1, 2]");
}

#[test]
fn a_sandbox_that_keeps_nothing_on_disk_is_saved_when_it_sleeps() {
    let world = sleepy();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "durability": "memory" }));
    client.value(&sandbox, "x = 5");
    let history = client.get(&format!("{sandbox}/turns")).expect(200).json();
    assert_eq!(history, json!([]), "nothing is saved by a turn");
    eventually(|| {
        let pool = world.service.load().0;
        pool.in_memory + pool.awake + pool.in_use == 0
    });
    assert_eq!(client.value(&sandbox, "x"), "5");
}

#[test]
fn a_lifetime_ends_a_sandbox_and_its_turn() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "lifetime_s": 1 }));
    let outcome = client.post(
        &format!("{sandbox}/turns"),
        json!({ "code": "while True: pass" }),
    );
    assert_eq!(
        outcome.expect(200).json()["error"]["type"],
        "KeyboardInterrupt"
    );
    eventually(|| client.get(&sandbox).json()["state"] == "gone");
    assert_eq!(client.get(&sandbox).json()["ended"]["reason"], "expired");
    client
        .post(&format!("{sandbox}/turns"), json!({ "code": "1" }))
        .problem(410, "sandbox-gone");
}

#[test]
fn a_lifetime_can_be_extended() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "lifetime_s": 2 }));
    let patch = json!({ "lifetime_s": 60 }).to_string();
    let kind = [("content-type", "application/json")];
    client
        .send("PATCH", &sandbox, &kind, patch.as_bytes())
        .expect(200);
    std::thread::sleep(Duration::from_millis(3_200));
    assert_eq!(client.value(&sandbox, "1"), "1");
    let patch = json!({ "lifetime_s": u64::MAX }).to_string();
    client
        .send("PATCH", &sandbox, &kind, patch.as_bytes())
        .problem(400, "invalid-request");
}

#[test]
fn a_pause_stops_the_clock_and_a_resume_goes_on() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "lifetime_s": 2 }));
    client.value(&sandbox, "x = 1");
    let paused = client
        .post(&format!("{sandbox}/pause"), json!({}))
        .expect(200)
        .json();
    assert_eq!(
        (&paused["state"], &paused["expires_ms"]),
        (&json!("paused"), &json!(null))
    );
    client
        .post(&format!("{sandbox}/pause"), json!({}))
        .problem(409, "already-paused");
    client
        .post(&format!("{sandbox}/turns"), json!({ "code": "x" }))
        .problem(409, "paused");
    client
        .get(&format!("{sandbox}/files?path=/tmp/f"))
        .problem(409, "paused");
    std::thread::sleep(Duration::from_millis(3_200));
    let resumed = client
        .post(&format!("{sandbox}/resume"), json!({}))
        .expect(200)
        .json();
    assert_eq!(resumed["state"], "asleep");
    assert_eq!(client.value(&sandbox, "x"), "1");
}

#[test]
fn a_sandbox_can_be_paused_by_its_lifetime() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "lifetime_s": 1, "on_timeout": "pause" }));
    client.value(&sandbox, "x = 3");
    eventually(|| client.get(&sandbox).json()["state"] == "paused");
    client
        .post(&format!("{sandbox}/resume"), json!({ "lifetime_s": 60 }))
        .expect(200);
    assert_eq!(client.value(&sandbox, "x"), "3");
}

#[test]
fn what_nobody_uses_ends_and_is_forgotten_in_the_end() {
    let world = World::with(|options| {
        options.idle = Duration::from_millis(100);
        options.memory_idle = Duration::from_millis(200);
        options.unused = Duration::from_millis(1_500);
        options.remembered = Duration::from_millis(1_500);
    });
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    eventually(|| client.get(&sandbox).json()["ended"]["reason"] == "unused");
    eventually(|| client.get(&sandbox).status == 404);
}

#[test]
fn more_sandboxes_than_slots_take_turns_in_them() {
    let world = World::with(|options| options.awake_max = 4);
    let mut client = world.client("a");
    let sandboxes: Vec<String> = (0..12).map(|_| client.sandbox(json!({}))).collect();
    for (n, sandbox) in sandboxes.iter().enumerate() {
        client.value(sandbox, &format!("x = {n}"));
    }
    assert!(world.service.load().0.awake <= 4);
    for (n, sandbox) in sandboxes.iter().enumerate() {
        assert_eq!(client.value(sandbox, "x"), n.to_string());
    }
}
