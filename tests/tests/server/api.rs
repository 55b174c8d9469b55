//! What the API says of itself, and what operators ask.

use crate::client::Client;
use crate::world::World;
use memex_server::tenants::Scope;
use serde_json::{Value, json};

#[test]
fn a_sandbox_is_made_used_and_ended() {
    let world = World::new();
    let mut client = world.client("a");
    let made = client.post("/v1/sandboxes", json!({ "metadata": { "who": "me" } }));
    let made = made.expect(201).json();
    assert_eq!(made["metadata"]["who"], "me");
    assert_eq!(made["turns"], Value::Null);
    let path = format!("/v1/sandboxes/{}", made["id"].as_str().unwrap());
    assert_eq!(client.value(&path, "x = 20\nx + 22"), "42");
    assert_eq!(client.value(&path, "x"), "20");
    let shown = client.get(&path).expect(200).json();
    assert_eq!(
        (&shown["state"], &shown["turns"]),
        (&json!("live"), &json!(2))
    );
    let listed = client.get("/v1/sandboxes").expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    client.delete(&path).expect(204);
    client.delete(&path).problem(410, "sandbox-gone");
    let turn = client.post(&format!("{path}/turns"), json!({ "code": "1" }));
    assert!(
        turn.problem(410, "sandbox-gone")["detail"]
            .as_str()
            .unwrap()
            .contains("deleted")
    );
    // Why it ended can be asked for a day.
    let shown = client.get(&path).expect(200).json();
    assert_eq!(
        (&shown["state"], &shown["ended"]["reason"]),
        (&json!("gone"), &json!("deleted"))
    );
    assert!(
        client.get("/v1/sandboxes").json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let gone = client.get("/v1/sandboxes?state=gone").expect(200).json();
    assert_eq!(gone["items"][0]["id"], made["id"]);
}

#[test]
fn lists_are_newest_first_in_pages_and_by_metadata() {
    let world = World::new();
    let mut client = world.client("a");
    let ids: Vec<Value> = (0..5)
        .map(|n| {
            let body = json!({ "metadata": { "n": (n % 2).to_string() } });
            client.post("/v1/sandboxes", body).expect(201).json()["id"].clone()
        })
        .collect();
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = client
            .get(&format!("/v1/sandboxes?limit=2{after}"))
            .expect(200)
            .json();
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|item| item["id"].clone()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 5);
    for id in &ids {
        assert_eq!(
            found.iter().filter(|other| *other == id).count(),
            1,
            "each once"
        );
    }
    let odd = client
        .get("/v1/sandboxes?metadata=n%3D1")
        .expect(200)
        .json();
    assert_eq!(odd["items"].as_array().unwrap().len(), 2);
    client
        .get("/v1/sandboxes?after=x")
        .problem(400, "invalid-request");
    client
        .get("/v1/sandboxes?state=happy")
        .problem(400, "invalid-request");
    client
        .get("/v1/sandboxes?limit=-1")
        .problem(400, "invalid-request");
    client
        .get("/v1/sandboxes?surprise=1")
        .problem(400, "invalid-request");
}

#[test]
fn an_equal_request_with_the_same_key_makes_one_sandbox() {
    let world = World::new();
    let mut client = world.client("a");
    let headers = [("idempotency-key", "k-1")];
    let body = json!({ "metadata": { "a": "b" } });
    let first = client
        .post_with("/v1/sandboxes", &headers, body.clone())
        .expect(201)
        .json();
    let again = client
        .post_with("/v1/sandboxes", &headers, body.clone())
        .expect(201)
        .json();
    assert_eq!(first["id"], again["id"]);
    let other = client.post_with("/v1/sandboxes", &headers, json!({}));
    other.problem(409, "idempotency-mismatch");
    let others = world
        .client("b")
        .post_with("/v1/sandboxes", &headers, json!({}))
        .expect(201)
        .json();
    assert_ne!(others["id"], first["id"], "keys are a tenant's own");
    client
        .post_with("/v1/sandboxes", &[("idempotency-key", "a b")], json!({}))
        .problem(400, "invalid-request");
}

#[test]
fn the_description_names_every_route_that_is_there() {
    let world = World::new();
    let mut client = world.client_with("");
    let api = client.get("/openapi.json").expect(200).json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = api["paths"].as_object().unwrap();
    assert!(paths.len() >= 18, "{paths:#?}");
    let mut key = world.client("a");
    for (path, methods) in paths {
        let path = path.replace("{id}", "aaaaaaaaaaaaaaaaaaaa");
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let refused = client.send(&method, &path, &[], b"");
            refused.problem(401, "unauthenticated");
            assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
            let found = key.send(
                &method,
                &format!("{path}?path=x"),
                &[("content-type", "application/json")],
                b"",
            );
            assert_ne!(found.status, 405, "{method} {path}");
            if found.status == 404 {
                assert_ne!(found.json()["code"], "no-route", "{method} {path}");
            }
        }
    }
    key.get("/v1/nothing").problem(404, "no-route");
    assert_eq!(key.send("PUT", "/v1/sandboxes", &[], b"").status, 405);
    let docs = client.get("/docs").expect(200);
    let page = String::from_utf8(docs.body.clone()).unwrap();
    assert!(page.contains("/v1/sandboxes/{id}/turns"));
    assert!(
        docs.header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
}

#[test]
fn health_is_open_and_figures_are_the_operators() {
    let world = World::new();
    let mut open = world.client_with("");
    assert_eq!(open.get("/healthz").expect(200).body, b"ok\n");
    open.get("/readyz").expect(200);
    open.get("/metrics").problem(401, "unauthenticated");
    let mut client = world.client("a");
    client.get("/metrics").problem(403, "missing-scope");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "1");
    client.run(&sandbox, "1/0");
    let key = world.key_for("a", &[Scope::Admin]);
    let figures = world.client_with(&key).get("/metrics").expect(200);
    let text = String::from_utf8(figures.body).unwrap();
    for line in [
        "memex_sandboxes{state=\"live\"} 1",
        "memex_turns_total{outcome=\"ok\"} 1",
        "memex_turns_total{outcome=\"exception\"} 1",
        "memex_turn_seconds_count 2",
        "memex_sandboxes_created_total 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let id = sandbox.rsplit('/').next().unwrap();
    assert!(
        !text.contains(id) && !text.contains("tenant"),
        "labels are bounded"
    );
    let private: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("memex_private_memory_bytes "))
        .unwrap()
        .parse()
        .unwrap();
    assert!(private > 1 << 20);
}

#[test]
fn what_was_done_is_in_the_audit_log_and_what_was_said_is_not() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "secret_word = 1");
    client.delete(&sandbox).expect(204);
    let path = world.folder.path().join("audit.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let actions: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = actions
        .iter()
        .map(|line| line["action"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["create", "turn", "delete"]);
    assert!(!text.contains("secret_word") && !text.contains(&client.key));
    let digest = blake3::hash(b"secret_word = 1").to_hex().to_string();
    assert_eq!(actions[1]["code"], digest);
    let verified = memex_server::operations::verify(&path).unwrap();
    assert_eq!(verified.map(|log| (log.lines, log.cut)), Ok((3, 0)));
}

/// A client is not kept waiting by what is not its request.
#[test]
fn a_connection_serves_request_after_request() {
    let world = World::new();
    let key = world.key("a");
    let mut client = Client::new(world.address, &key);
    for _ in 0..50 {
        client.get("/v1/sandboxes").expect(200);
    }
}
