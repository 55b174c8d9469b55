//! What a server leaves that has stopped.

use crate::world::World;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn a_stopped_server_leaves_everything_to_the_next_one() {
    let world = World::new();
    let mut client = world.client("a");
    let bodies = [
        json!({}),
        json!({ "durability": "memory" }),
        json!({ "durability": "power" }),
        json!({ "limits": { "guest_time_ms": "3s" }, "environment": { "A": "b" } }),
    ];
    let sandboxes = bodies.map(|body| client.sandbox(body));
    for sandbox in &sandboxes {
        client.value(sandbox, "x = 1");
        client
            .put(&format!("{sandbox}/files?path=/tmp/f"), b"kept")
            .expect(200);
    }
    let snapshot = client
        .post(&format!("{}/snapshots", sandboxes[0]), json!({}))
        .expect(201)
        .json();
    let ended = client.sandbox(json!({}));
    client.delete(&ended).expect(204);
    let (key, shown) = (client.key.clone(), client.get(&sandboxes[3]).json());
    drop(client);
    let world = World::on(world.stopped(), |_| {});
    let mut client = world.client_with(&key);
    for sandbox in &sandboxes {
        assert_eq!(client.get(sandbox).json()["state"], "asleep");
        assert_eq!(
            client.value(sandbox, "x, open('/tmp/f').read()"),
            "(1, 'kept')"
        );
    }
    assert_eq!(
        client.value(&sandboxes[3], "import os\nos.environ['A']"),
        "'b'"
    );
    let again = client.get(&sandboxes[3]).json();
    for field in ["created_ms", "expires_ms", "metadata", "image"] {
        assert_eq!(again[field], shown[field], "{field}");
    }
    assert_eq!(client.get(&ended).json()["ended"]["reason"], "deleted");
    let from = client.sandbox(json!({ "snapshot": snapshot["id"] }));
    assert_eq!(client.value(&from, "x"), "1");
    assert_eq!(client.get("/v1/tenant").json()["used"]["sandboxes"], 5);
}

#[test]
fn a_request_with_a_key_is_known_after_a_restart() {
    let world = World::new();
    let mut client = world.client("a");
    let create = [("idempotency-key", "c")];
    let first = client
        .post_with("/v1/sandboxes", &create, json!({}))
        .expect(201)
        .json();
    let path = format!("/v1/sandboxes/{}/turns", first["id"].as_str().unwrap());
    let turn = [("idempotency-key", "t")];
    let code = json!({ "code": "n = globals().get('n', 0) + 1\nn" });
    let ran: Value = client
        .post_with(&path, &turn, code.clone())
        .expect(200)
        .json();
    let key = client.key.clone();
    drop(client);
    let world = World::on(world.stopped(), |_| {});
    let mut client = world.client_with(&key);
    let again = client
        .post_with("/v1/sandboxes", &create, json!({}))
        .expect(201)
        .json();
    assert_eq!(again["id"], first["id"]);
    let same = client.post_with(&path, &turn, code).expect(200).json();
    assert_eq!(same, ran);
}

#[test]
fn a_server_that_stops_lets_turns_end_and_takes_no_more() {
    let world = World::new();
    let key = world.key("a");
    let mut client = world.client_with(&key);
    let sandbox = client.sandbox(json!({}));
    let address = world.address;
    let service = world.service.clone();
    let mut late = world.client_with(&key);
    let folder = std::thread::scope(|scope| {
        let run =
            scope.spawn(move || client.value(&sandbox, "import time\ntime.sleep(1.5)\nx = 1\nx"));
        crate::world::eventually(|| service.load().2 == 1);
        let stopping = scope.spawn(move || {
            crate::world::eventually(|| !service.is_ready());
            assert_eq!(late.get("/readyz").status, 503);
            let refused = late.post("/v1/sandboxes", json!({}));
            refused.problem(503, "draining");
            assert_eq!(refused.header("retry-after"), Some("1"));
            drop(service);
        });
        let began = Instant::now();
        let folder = world.stopped();
        assert!(
            began.elapsed() > Duration::from_millis(500),
            "it waited for the turn"
        );
        assert_eq!(run.join().unwrap(), "1");
        stopping.join().unwrap();
        folder
    });
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(folder);
}

#[test]
fn one_data_directory_has_one_server() {
    let world = World::new();
    let config = memex_server::config::Config::default();
    let options = config.service(world.folder.path());
    let host = memex_sessions::Host::starting(|| Err(std::io::Error::other("none")))
        .cache_directory(Some(memex_tests::cache_directory()));
    let error = memex_server::service::Service::open(options, config.tenants().unwrap(), &host)
        .unwrap_err();
    assert!(
        error.message.contains("in use") || error.message.contains("another"),
        "{error}"
    );
}
