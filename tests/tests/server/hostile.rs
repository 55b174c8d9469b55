//! What clients and circumstances try that mean no good: stores that block, keys that are
//! too narrow, requests that are too large, clients and servers that go away in the middle.

use crate::client::Client;
use crate::e2b_client::{CODE, Control};
use crate::world::{World, eventually};
use memex_server::tenants::Scope;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A block that says how often it has run.
const COUNT: &str = "n = globals().get('n', 0) + 1\nn";

fn id_of(sandbox: &str) -> &str {
    sandbox.rsplit('/').next().unwrap()
}

/// Runs [`COUNT`] with a key, and returns what it says.
#[track_caller]
fn count(client: &mut Client, sandbox: &str, key: &str, body: &Value) -> String {
    let headers = [("idempotency-key", key)];
    let answer = client.post_with(&format!("{sandbox}/turns"), &headers, body.clone());
    let outcome = answer.expect(200).json();
    outcome["value"].as_str().unwrap().to_owned()
}

#[test]
fn a_store_over_the_network_is_not_waited_for_by_the_threads_of_requests() {
    // Its requests run on the runtime that serves HTTP here, as those of S3 do.
    let objects = tempfile::tempdir().unwrap();
    let place = format!("file://{}", objects.path().display());
    let world = World::with(|options| options.store = Some(place));
    let key = world.key("a");
    let mut client = world.client_with(&key);
    let sandboxes: Vec<String> = (0..4).map(|_| client.sandbox(json!({}))).collect();
    for sandbox in &sandboxes {
        client.value(sandbox, "x = 1");
    }
    let snapshots = format!("{}/snapshots", sandboxes[0]);
    let snapshot = client.post(&snapshots, json!({})).expect(201).json();
    let from = client.sandbox(json!({ "snapshot": snapshot["id"] }));
    assert_eq!(client.value(&from, "x"), "1");
    std::thread::scope(|scope| {
        for sandbox in &sandboxes {
            let (world, key) = (&world, &key);
            scope.spawn(move || world.client_with(key).delete(sandbox).expect(204));
        }
        let began = Instant::now();
        world.client_with("").get("/healthz").expect(200);
        assert!(began.elapsed() < Duration::from_secs(1));
    });
    let path = format!("/v1/snapshots/{}", snapshot["id"].as_str().unwrap());
    client.delete(&path).expect(204);
    assert_eq!(client.get(&sandboxes[0]).json()["state"], "gone");
}

#[test]
fn a_turn_that_was_kept_and_not_saved_runs_when_it_is_asked_for_again() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let body = json!({ "code": COUNT });
    assert_eq!(count(&mut client, &sandbox, "k", &body), "1");
    let key = client.key.clone();
    drop(client);
    let folder = world.stopped();
    // A second turn of this key was kept; the server was killed before the sandbox's name
    // led to its state.
    let path = kept_turn(folder.path(), id_of(&sandbox));
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let state = kept["snapshot"].as_str().unwrap().to_owned();
    kept["turn"] = json!(2);
    kept["snapshot"] = json!(state.chars().rev().collect::<String>());
    std::fs::write(&path, kept.to_string()).unwrap();
    let world = World::on(folder, |_| {});
    let mut client = world.client_with(&key);
    client.value(&sandbox, "x = 2");
    assert_eq!(count(&mut client, &sandbox, "k", &body), "2", "it ran");
    assert_eq!(count(&mut client, &sandbox, "k", &body), "2", "and once");
}

fn kept_turn(data: &Path, id: &str) -> PathBuf {
    data.join(format!("tenants/a/sandboxes/{id}.turn"))
}

#[test]
fn a_turn_with_a_key_that_is_not_to_be_saved_runs_once_all_the_same() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "durability": "memory" }));
    let body = json!({ "code": COUNT });
    for _ in 0..2 {
        assert_eq!(count(&mut client, &sandbox, "k", &body), "1");
    }
    assert_eq!(count(&mut client, &sandbox, "l", &body), "2");
    let key = client.key.clone();
    drop(client);
    // It was saved when the server stopped, and what came of it with it.
    let world = World::on(world.stopped(), |_| {});
    let mut client = world.client_with(&key);
    assert_eq!(count(&mut client, &sandbox, "l", &body), "2");
    assert_eq!(client.value(&sandbox, "n"), "2");
}

#[test]
fn a_client_that_leaves_while_its_sandbox_is_made_makes_one() {
    let world = World::new();
    let key = world.key("small");
    let mut client = world.client_with(&key);
    let first = client.sandbox(json!({}));
    let body = json!({ "inputs": { "x": 7 } });
    let again = std::thread::scope(|scope| {
        let mut busy = world.client_with(&key);
        // The tenant's only thread is taken: what needs one waits.
        scope.spawn(move || busy.value(&first, "import time\ntime.sleep(1.5)"));
        eventually(|| world.service.load().1 == 0 && world.service.load().2 == 1);
        let text = body.to_string();
        let request = format!(
            "POST /v1/sandboxes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\nidempotency-key: c\r\n\
             content-length: {}\r\n\r\n{text}",
            text.len()
        );
        let mut leaving = std::net::TcpStream::connect(world.address).unwrap();
        leaving.write_all(request.as_bytes()).unwrap();
        eventually(|| world.service.load().1 == 1);
        drop(leaving);
        let headers = [("idempotency-key", "c")];
        let mut ask = || client.post_with("/v1/sandboxes", &headers, body.clone());
        let mut answer = ask();
        eventually(|| {
            if answer.status == 409 {
                answer = ask();
            }
            answer.status != 409
        });
        answer.expect(201).json()
    });
    let sandbox = format!("/v1/sandboxes/{}", again["id"].as_str().unwrap());
    assert_eq!(client.value(&sandbox, "x"), "7");
    assert_eq!(client.get("/v1/tenant").json()["used"]["sandboxes"], 2);
}

#[test]
fn what_a_sandbox_is_made_of_is_bounded_and_not_written_when_it_is_refused() {
    let world = World::new();
    let mut client = world.client("small");
    let profiles = || {
        std::fs::read_dir(world.folder.path().join("profiles"))
            .unwrap()
            .count()
    };
    let tool = |bytes: usize| {
        let description = "d".repeat(bytes);
        json!({ "tools": [{ "name": "ask", "description": description }] })
    };
    let before = profiles();
    client
        .post("/v1/sandboxes", tool(256 << 10))
        .problem(413, "too-large");
    let large = json!({ "environment": { "A": "e".repeat(256 << 10) } });
    client
        .post("/v1/sandboxes", large)
        .problem(413, "too-large");
    assert_eq!(profiles(), before);
    client.sandbox(tool(64 << 10));
    assert_eq!(profiles(), before + 1, "what is taken is kept");
    for _ in 0..3 {
        client.sandbox(json!({}));
    }
    let kept = profiles();
    client
        .post("/v1/sandboxes", tool(32 << 10))
        .problem(429, "quota-sandboxes");
    assert_eq!(profiles(), kept);
}

#[test]
fn bodies_are_bounded_by_what_they_take_as_values() {
    let world = World::new();
    let mut client = world.client("a");
    let mut port = Control::new(&world, "a").port(&world, CODE);
    // Some megabytes, and hundreds of them as values.
    let hostile = format!("[{}]", vec!["{\"\":0}"; 300_000].join(","));
    let harmless = format!("\"{}\"", "x".repeat(hostile.len()));
    let json_body = [("content-type", "application/json")];
    // An input of that length is read, and then too long for the scope.
    for (value, told) in [(&hostile, "as values"), (&harmless, "code_bytes")] {
        let body = format!("{{\"inputs\":{{\"x\":{value}}}}}");
        let answer = client.send("POST", "/v1/sandboxes", &json_body, body.as_bytes());
        let problem = answer.problem(400, "invalid-request");
        assert!(problem["detail"].to_string().contains(told), "{problem}");
    }
    for (value, status) in [(&hostile, 400), (&harmless, 200)] {
        let body = format!("{{\"code\":\"1\",\"more\":{value}}}");
        let answer = port.send("POST", "/execute", &json_body, body.as_bytes());
        assert_eq!(answer.status, status);
    }
}

#[test]
fn a_key_gets_a_sandboxs_token_where_it_may_do_what_the_token_permits() {
    let world = World::new();
    let mut owner = Control::new(&world, "a");
    let made = owner.create(json!({}));
    let id = made["sandboxID"].as_str().unwrap();
    let (told, reached) = (
        format!("/sandboxes/{id}"),
        format!("/sandboxes/{id}/connect"),
    );
    let endpoint = format!("/v1/sandboxes/{id}/endpoints/44772");
    let scopes = [
        vec![Scope::Files],
        vec![Scope::Run],
        vec![Scope::Admin],
        vec![Scope::Create],
        vec![Scope::Create, Scope::Run],
    ];
    for scopes in scopes {
        let key = world.key_for("a", &scopes);
        let mut narrow = Control::with_key(&world, &key);
        for answer in [
            narrow.send("GET", &told, Value::Null),
            narrow.send("POST", &reached, json!({ "timeout": 60 })),
            narrow.send("POST", "/v2/sandboxes", json!({})),
        ] {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, 403, "{scopes:?} {text}");
            assert!(!text.contains("AccessToken"), "{scopes:?} {text}");
        }
        let headers = [("open-sandbox-api-key", key.as_str())];
        let mut plain = Client::new(world.address, "");
        plain.send("GET", &endpoint, &headers, b"").expect(403);
    }
    let told = owner.send("GET", &told, Value::Null).expect(200).json();
    assert_eq!(told["envdAccessToken"], made["envdAccessToken"]);
}

#[test]
fn variables_of_an_execution_are_in_no_saved_state() {
    let world = World::new();
    let mut port = Control::new(&world, "a").port(&world, CODE);
    let asked = json!({
        "code": "import os\nlength = len(os.environ['KEY'])\nlength",
        "env_vars": { "KEY": "secret" }
    });
    let lines = port.execute(asked);
    let shown = lines.iter().find(|line| line["is_main_result"] == true);
    assert_eq!(shown.unwrap()["text"], "6", "the block has it");
    let mut client = world.client("a");
    let sandbox = format!("/v1/sandboxes/{}", port.sandbox);
    let turns = client.get(&format!("{sandbox}/turns")).expect(200).json();
    let turns = turns.as_array().unwrap();
    assert!(!turns.is_empty(), "it was saved");
    for turn in turns {
        let to = json!({ "turn": turn["turn"] });
        client.post(&format!("{sandbox}/rewind"), to).expect(200);
        let found = client.value(&sandbox, "import os\nos.environ.get('KEY'), length");
        assert_eq!(found, "(None, 6)", "{turn}");
    }
}

#[test]
fn a_prolongation_that_was_answered_holds() {
    let world = World::new();
    let mut client = world.client("b");
    let key = world.key("a");
    let mut busy = world.client_with(&key);
    let others: Vec<String> = (0..8).map(|_| busy.sandbox(json!({}))).collect();
    for other in &others {
        busy.value(other, "import time");
    }
    let sandbox = client.sandbox(json!({ "lifetime_s": 2 }));
    std::thread::scope(|scope| {
        // All threads are taken, so that the end of the sandbox waits for one.
        for other in &others {
            let mut busy = world.client_with(&key);
            scope.spawn(move || busy.value(other, "time.sleep(5)"));
        }
        eventually(|| world.service.load().1 == 1);
        let patch = json!({ "lifetime_s": 60 }).to_string();
        let kind = [("content-type", "application/json")];
        client
            .send("PATCH", &sandbox, &kind, patch.as_bytes())
            .expect(200);
    });
    eventually(|| world.service.load().2 == 0);
    assert_eq!(client.value(&sandbox, "1"), "1");
}

#[test]
fn a_resume_after_a_pause_by_time_gives_the_time_again() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "lifetime_s": 2, "on_timeout": "pause" }));
    client.value(&sandbox, "x = 3");
    eventually(|| client.get(&sandbox).json()["state"] == "paused");
    let resumed = client.post(&format!("{sandbox}/resume"), json!({}));
    let resumed = resumed.expect(200).json();
    assert_ne!(resumed["state"], "paused");
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(client.value(&sandbox, "x"), "3");
}

#[test]
fn ended_sandboxes_are_remembered_up_to_a_bound() {
    let world = World::with(|options| options.ended_max = 2);
    let mut client = world.client("a");
    let sandboxes: Vec<String> = (0..4).map(|_| client.sandbox(json!({}))).collect();
    for sandbox in &sandboxes {
        client.delete(sandbox).expect(204);
        std::thread::sleep(Duration::from_millis(5));
    }
    eventually(|| client.get(&sandboxes[1]).status == 404);
    for sandbox in &sandboxes[2..] {
        assert_eq!(client.get(sandbox).json()["ended"]["reason"], "deleted");
    }
}

#[test]
fn links_to_links_are_followed_to_their_file_and_circles_are_refused() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let code = "import os\nopen('/tmp/f', 'w').write('abc')\nos.symlink('/tmp/f', '/tmp/l')\n\
                os.symlink('l', '/tmp/m')\nos.symlink('/tmp/o', '/tmp/p')\n\
                os.symlink('/tmp/p', '/tmp/o')";
    client.value(&sandbox, code);
    let path = |name: &str| format!("{sandbox}/files?path=/tmp/{name}");
    for name in ["f", "l", "m"] {
        assert_eq!(client.get(&path(name)).expect(200).body, b"abc", "{name}");
    }
    assert!(matches!(client.get(&path("o")).status, 400 | 404));
}

#[test]
fn a_host_that_only_looks_like_a_sandboxs_is_the_servers_own() {
    let world = World::new();
    let key = world.key("a");
    let request = format!(
        "GET /v1/sandboxes HTTP/1.1\r\nhost: 8700-name.example.org\r\n\
         authorization: Bearer {key}\r\ncontent-length: 0\r\n\r\n"
    );
    let answer = world.client_with(&key).raw(request.as_bytes());
    assert!(answer.expect(200).json()["items"].is_array());
}
