//! Tenants do not see each other, and have what their quotas say.

use crate::world::{World, eventually};
use memex_server::tenants::Scope;
use serde_json::json;
use std::time::Duration;

#[test]
fn what_is_another_tenants_is_not_there() {
    let world = World::new();
    let (mut a, mut b) = (world.client("a"), world.client("b"));
    let sandbox = a.sandbox(json!({ "metadata": { "k": "v" } }));
    a.value(&sandbox, "x = 1");
    a.put(&format!("{sandbox}/files?path=/tmp/f"), b"secret")
        .expect(200);
    let snapshot = a
        .post(&format!("{sandbox}/snapshots"), json!({}))
        .expect(201)
        .json();
    let snapshot = snapshot["id"].as_str().unwrap();
    let json_body = [("content-type", "application/json")];
    for (method, path, body) in [
        ("GET", sandbox.clone(), ""),
        ("PATCH", sandbox.clone(), r#"{"lifetime_s":1}"#),
        ("DELETE", sandbox.clone(), ""),
        ("POST", format!("{sandbox}/pause"), ""),
        ("POST", format!("{sandbox}/resume"), ""),
        ("POST", format!("{sandbox}/restart"), ""),
        ("GET", format!("{sandbox}/usage"), ""),
        ("POST", format!("{sandbox}/turns"), r#"{"code":"x"}"#),
        ("GET", format!("{sandbox}/turns"), ""),
        ("POST", format!("{sandbox}/interrupt"), ""),
        ("GET", format!("{sandbox}/waiting"), ""),
        ("DELETE", format!("{sandbox}/waiting"), ""),
        ("POST", format!("{sandbox}/answers"), ""),
        ("POST", format!("{sandbox}/fork"), ""),
        ("POST", format!("{sandbox}/rewind"), r#"{"turn":1}"#),
        ("POST", format!("{sandbox}/snapshots"), ""),
        ("GET", format!("{sandbox}/files?path=/tmp/f"), ""),
        ("PUT", format!("{sandbox}/files?path=/tmp/f"), "x"),
        ("DELETE", format!("{sandbox}/files?path=/tmp/f"), ""),
        ("GET", format!("{sandbox}/files/info?path=/tmp/f"), ""),
        (
            "POST",
            format!("{sandbox}/files/move"),
            r#"{"from":"/tmp/f","to":"/tmp/g"}"#,
        ),
        ("GET", format!("{sandbox}/folders?path=/tmp"), ""),
        ("PUT", format!("{sandbox}/folders?path=/tmp/n"), ""),
        ("DELETE", format!("/v1/snapshots/{snapshot}"), ""),
    ] {
        let answer = b.send(method, &path, &json_body, body.as_bytes());
        let problem = answer.problem(404, "not-found");
        // As what was never there.
        let never = path
            .replace(sandbox.rsplit('/').next().unwrap(), "aaaaaaaaaaaaaaaaaaaa")
            .replace(snapshot, "aaaaaaaaaaaaaaaaaaaa");
        let other = b
            .send(method, &never, &json_body, body.as_bytes())
            .problem(404, "not-found");
        assert_eq!(problem["remedy"], other["remedy"], "{method} {path}");
    }
    b.post("/v1/sandboxes", json!({ "snapshot": snapshot }))
        .problem(404, "not-found");
    assert_eq!(b.get("/v1/sandboxes").json()["items"], json!([]));
    assert_eq!(b.get("/v1/snapshots").json(), json!([]));
    // The control: the same things are there for their tenant.
    assert_eq!(a.value(&sandbox, "x"), "1");
    assert_eq!(
        a.get(&format!("{sandbox}/files?path=/tmp/f"))
            .expect(200)
            .body,
        b"secret"
    );
    a.sandbox(json!({ "snapshot": snapshot }));
}

#[test]
fn keys_that_are_wrong_missing_revoked_or_narrow_are_refused() {
    let world = World::new();
    let key = world.key("a");
    let mut client = world.client_with(&key);
    let sandbox = client.sandbox(json!({}));
    for wrong in ["x", &key[1..], &format!("{key}x"), &"k".repeat(10_000)] {
        world
            .client_with(wrong)
            .get("/v1/sandboxes")
            .problem(401, "unauthenticated");
    }
    world
        .client_with("")
        .get("/v1/sandboxes")
        .problem(401, "unauthenticated");
    let twice = [("authorization", "Bearer other")];
    client
        .send("GET", "/v1/sandboxes", &twice, b"")
        .problem(401, "unauthenticated");
    let narrow = world.key_for("a", &[Scope::Files]);
    let mut narrow = world.client_with(&narrow);
    narrow
        .post("/v1/sandboxes", json!({}))
        .problem(403, "missing-scope");
    narrow
        .post(&format!("{sandbox}/turns"), json!({ "code": "1" }))
        .problem(403, "missing-scope");
    narrow
        .put(&format!("{sandbox}/files?path=/tmp/f"), b"1")
        .expect(200);
    let keys = world.keys().read().unwrap();
    for key in keys {
        world.keys().revoke(&key.id).unwrap();
    }
    eventually(|| client.get("/v1/sandboxes").status == 401);
}

#[test]
fn a_token_is_good_for_one_sandbox() {
    let world = World::new();
    let mut client = world.client("a");
    let ids = [(); 2].map(|()| {
        let path = client.sandbox(json!({}));
        memex_server::names::Id::parse(path.rsplit('/').next().unwrap()).unwrap()
    });
    let owner = world.service.authenticate(&client.key).unwrap();
    let token = world.service.access_token(&owner, &ids[0]).unwrap();
    let who = world.service.authenticate_token(&ids[0], &token).unwrap();
    assert_eq!(who.tenant(), "a");
    assert!(world.service.authenticate_token(&ids[1], &token).is_err());
    assert!(world.service.usage(&who, &ids[0]).is_ok());
    assert_eq!(
        world.service.usage(&who, &ids[1]).unwrap_err().code,
        "not-found"
    );
}

#[test]
fn sandboxes_and_snapshots_are_bounded_by_the_quota() {
    let world = World::new();
    let mut client = world.client("small");
    let made: Vec<String> = (0..4).map(|_| client.sandbox(json!({}))).collect();
    let refused = client.post("/v1/sandboxes", json!({}));
    refused.problem(429, "quota-sandboxes");
    assert!(
        refused
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
    client
        .post(&format!("{}/fork", made[0]), json!({}))
        .problem(429, "quota-sandboxes");
    client.delete(&made[0]).expect(204);
    client.sandbox(json!({}));
    client
        .post(&format!("{}/snapshots", made[1]), json!({}))
        .expect(201);
    client
        .post(&format!("{}/snapshots", made[1]), json!({}))
        .problem(429, "quota-snapshots");
    let tenant = client.get("/v1/tenant").expect(200).json();
    assert_eq!(
        (&tenant["used"]["sandboxes"], &tenant["quota"]["sandboxes"]),
        (&json!(4), &json!(4))
    );
}

#[test]
fn turns_at_a_time_and_turns_that_wait_are_bounded() {
    let world = World::new();
    let key = world.key("small");
    let mut client = world.client_with(&key);
    let sandboxes: Vec<String> = (0..4).map(|_| client.sandbox(json!({}))).collect();
    let mut b = world.client("b");
    let other = b.sandbox(json!({}));
    b.value(&other, "1");
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        for sandbox in &sandboxes[..3] {
            let (world, key) = (&world, &key);
            let code = "import time\ntime.sleep(0.7)";
            scope.spawn(move || world.client_with(key).value(sandbox, code));
        }
        // One runs and two wait.
        eventually(|| world.service.load().1 == 2);
        let turns = format!("{}/turns", sandboxes[3]);
        let refused = client.post(&turns, json!({ "code": "1" }));
        refused.problem(429, "quota-waiting");
        assert_eq!(refused.header("retry-after"), Some("1"));
        // Another tenant does not wait for them.
        b.value(&other, "1");
        assert!(world.service.load().1 >= 1, "some still wait");
    });
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(2_100),
        "one at a time: {took:?}"
    );
}

#[test]
fn the_processor_of_a_day_and_the_rate_of_creations_are_bounded() {
    let world = World::new();
    let mut poor = world.client("poor");
    let sandbox = poor.sandbox(json!({}));
    let refused = poor.post(&format!("{sandbox}/turns"), json!({ "code": "1" }));
    refused.problem(429, "quota-cpu");
    let mut slow = world.client("slow");
    slow.sandbox(json!({}));
    let refused = slow.post("/v1/sandboxes", json!({}));
    refused.problem(429, "quota-creates");
    let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&after), "{after}");
}

#[test]
fn a_request_narrows_the_policy_and_never_widens_it() {
    let world = World::new();
    let mut client = world.client("a");
    let folder = world.folder.path().display().to_string();
    for (body, code) in [
        (
            json!({ "limits": { "guest_time_ms": "1h" } }),
            "policy-refused",
        ),
        (json!({ "limits": { "nonsense": 1 } }), "policy-refused"),
        (
            json!({ "limits": { "wasm_stack_bytes": 2_000_000 } }),
            "policy-refused",
        ),
        (json!({ "limits": { "fuel": 1_000_000 } }), "policy-refused"),
        (json!({ "policy": { "extends": "web" } }), "policy-refused"),
        (
            json!({ "policy": { "directories": [{ "host": folder, "guest": "/data" }] } }),
            "policy-refused",
        ),
        (
            json!({ "policy": { "network": [{ "host": "example.com" }] } }),
            "policy-refused",
        ),
        (json!({ "image": "../../x" }), "unknown-image"),
        (json!({ "mounts": [] }), "invalid-request"),
        (json!({ "snapshot": "x", "image": "y" }), "invalid-request"),
        (
            json!({ "lifetime_s": 10_000_000_000_u64 }),
            "invalid-request",
        ),
        (json!({ "inputs": { "a b": 1 } }), "invalid-request"),
        (json!({ "environment": { "A=B": "x" } }), "policy-refused"),
    ] {
        let refused = client.post("/v1/sandboxes", body.clone());
        assert_eq!(
            refused.status,
            400,
            "{body}: {}",
            String::from_utf8_lossy(&refused.body)
        );
        refused.problem(400, code);
    }
    // The control: the same fields, within the policy.
    let sandbox = client.sandbox(json!({ "limits": { "guest_time_ms": "1s" }, "policy": { "scratch": { "enabled": false } } }));
    assert_eq!(
        client.run(&sandbox, "open('/tmp/x','w')")["status"],
        "exception"
    );
    let tenant = client.get("/v1/tenant").json();
    assert_eq!(
        tenant["used"]["sandboxes"], 1,
        "what was refused is not counted"
    );
}
