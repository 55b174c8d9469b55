//! E2B's control plane: shapes, statuses, and what is another tenant's.

use crate::client::Client;
use crate::e2b_client::{CODE, Control, FILES, Port};
use crate::world::World;
use memex_server::tenants::Scope;
use serde_json::{Value, json};

#[test]
fn a_sandbox_is_told_with_the_fields_that_clients_read() {
    let world = World::new();
    let mut control = Control::new(&world, "a");
    let made =
        control.create(json!({"templateID": "base", "metadata": {"user": "ann"}, "timeout": 100}));
    for field in [
        "templateID",
        "sandboxID",
        "clientID",
        "envdVersion",
        "envdAccessToken",
        "trafficAccessToken",
    ] {
        assert!(
            made[field].as_str().is_some_and(|text| !text.is_empty()),
            "{field}: {made}"
        );
    }
    let path = format!("/sandboxes/{}", made["sandboxID"].as_str().unwrap());
    let told = control.send("GET", &path, Value::Null).expect(200).json();
    assert_eq!(
        (&told["state"], &told["metadata"]),
        (&json!("running"), &json!({"user": "ann"}))
    );
    assert_eq!(
        told["lifecycle"],
        json!({"autoResume": false, "onTimeout": "kill"})
    );
    assert_eq!(told["allowInternetAccess"], false);
    for field in ["startedAt", "endAt"] {
        assert!(told[field].as_str().unwrap().ends_with('Z'), "{told}");
    }
    for field in ["cpuCount", "memoryMB", "diskSizeMB"] {
        assert!(told[field].as_u64().unwrap() > 0, "{told}");
    }
    let query = "/v2/sandboxes?metadata=user%3Dann&limit=1";
    let listed = control.send("GET", query, Value::Null).expect(200).json();
    assert_eq!(listed[0]["sandboxID"], made["sandboxID"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    control.send("DELETE", &path, Value::Null).expect(204);
    let gone = control
        .send("DELETE", &path, Value::Null)
        .expect(404)
        .json();
    assert_eq!(gone["code"], 404);
    assert!(
        gone["message"].as_str().unwrap().contains("deleted"),
        "{gone}"
    );
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let world = World::new();
    let mut control = Control::new(&world, "a");
    let made: Vec<_> = (0..3)
        .map(|_| control.create(json!({}))["sandboxID"].clone())
        .collect();
    let mut seen = Vec::new();
    let mut path = "/v2/sandboxes?limit=2".to_owned();
    for _ in 0..2 {
        let page = control.send("GET", &path, Value::Null).expect(200);
        seen.extend(
            page.json()
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["sandboxID"].clone()),
        );
        path = format!(
            "/v2/sandboxes?limit=2&nextToken={}",
            page.header("x-next-token").unwrap_or_default()
        );
    }
    assert_eq!(seen.len(), 3);
    assert!(made.iter().all(|id| seen.contains(id)));
}

#[test]
fn a_paused_sandbox_is_resumed_once() {
    let world = World::new();
    let mut control = Control::new(&world, "a");
    let made = control.create(json!({}));
    let path = |call: &str| format!("/sandboxes/{}/{call}", made["sandboxID"].as_str().unwrap());
    control.send("POST", &path("resume"), json!({})).expect(409);
    control
        .send("POST", &path("pause"), Value::Null)
        .expect(204);
    control
        .send("POST", &path("pause"), Value::Null)
        .expect(409);
    let mut files = Port::of(&world, &made, FILES);
    files.send("GET", "/health", &[], b"").expect(502);
    let refused = files
        .call("filesystem.Filesystem/Stat", json!({"path": "/"}))
        .expect(503)
        .json();
    assert_eq!(
        (&refused["code"], &refused["message"]),
        (&json!("unavailable"), &json!("The sandbox was not found"))
    );
    control
        .send("POST", &path("connect"), json!({"timeout": 60}))
        .expect(201);
    control
        .send("POST", &path("connect"), json!({"timeout": 60}))
        .expect(200);
    files.send("GET", "/health", &[], b"").expect(204);
    control
        .send("POST", &path("connect"), json!({"memory": false}))
        .expect(400);
}

#[test]
fn each_copy_is_told_on_its_own() {
    let world = World::new();
    let mut control = Control::new(&world, "small");
    let made = control.create(json!({}));
    let path = format!("/sandboxes/{}/fork", made["sandboxID"].as_str().unwrap());
    let copies = control
        .send("POST", &path, json!({"count": 1}))
        .expect(201)
        .json();
    assert!(
        copies[0]["sandbox"]["envdAccessToken"].is_string(),
        "{copies}"
    );
    for wrong in [json!({"count": 0}), json!({"count": 101})] {
        control.send("POST", &path, wrong).expect(400);
    }
    // Past the tenant's quota, which is small, is a refusal with a time to come back.
    let mut answers = (0..10).map(|_| control.send("POST", "/v2/sandboxes", json!({})));
    let refused = answers.find(|answer| answer.status != 201).unwrap();
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.expect(429).json()["code"], 429);
}

#[test]
fn what_is_another_tenants_is_not_there() {
    let world = World::new();
    let mut owner = Control::new(&world, "a");
    let mut other = Control::new(&world, "b");
    let made = owner.create(json!({}));
    let id = made["sandboxID"].as_str().unwrap();
    let snapshot = owner
        .send("POST", &format!("/sandboxes/{id}/snapshots"), json!({}))
        .expect(201)
        .json();
    let snapshot = snapshot["snapshotID"].as_str().unwrap();
    let calls: [(&str, String, Value); 11] = [
        ("GET", format!("/sandboxes/{id}"), Value::Null),
        (
            "POST",
            format!("/sandboxes/{id}/timeout"),
            json!({"timeout": 5}),
        ),
        ("POST", format!("/sandboxes/{id}/connect"), json!({})),
        ("POST", format!("/sandboxes/{id}/pause"), Value::Null),
        ("POST", format!("/sandboxes/{id}/snapshots"), json!({})),
        ("POST", format!("/sandboxes/{id}/fork"), json!({})),
        ("GET", format!("/sandboxes/{id}/metrics"), Value::Null),
        ("PUT", format!("/sandboxes/{id}/network"), json!({})),
        ("DELETE", format!("/templates/{snapshot}"), Value::Null),
        (
            "POST",
            "/v2/sandboxes".to_owned(),
            json!({"templateID": snapshot}),
        ),
        ("DELETE", format!("/sandboxes/{id}"), Value::Null),
    ];
    for (method, path, body) in calls {
        // Byte for byte what is said of one that never was.
        let found = other.send(method, &path, body.clone()).expect(404);
        let never = "a".repeat(20);
        let (path, body) = (path.replace(id, &never), body.to_string());
        let (path, body) = (
            path.replace(snapshot, &never),
            body.replace(snapshot, &never),
        );
        let body = serde_json::from_str(&body).unwrap();
        let missing = other.send(method, &path, body).expect(404);
        let found = String::from_utf8(found.body)
            .unwrap()
            .replace(id, &never)
            .replace(snapshot, &never);
        assert_eq!(
            found,
            String::from_utf8(missing.body).unwrap(),
            "{method} {path}"
        );
    }
    assert_eq!(
        other
            .send("GET", "/v2/sandboxes", Value::Null)
            .expect(200)
            .json(),
        json!([])
    );
    assert_eq!(
        other
            .send("GET", "/snapshots", Value::Null)
            .expect(200)
            .json(),
        json!([])
    );
    // The same calls are the owner's.
    owner
        .send("GET", &format!("/sandboxes/{id}"), Value::Null)
        .expect(200);
    owner
        .send("DELETE", &format!("/templates/{snapshot}"), Value::Null)
        .expect(204);
}

#[test]
fn a_token_opens_its_own_sandbox_alone() {
    let world = World::new();
    let mut owner = Control::new(&world, "a");
    let mut other = Control::new(&world, "b");
    let (own, foreign) = (owner.create(json!({})), other.create(json!({})));
    for port in [FILES, CODE] {
        let path = if port == FILES {
            "/files?path=x"
        } else {
            "/contexts"
        };
        let mut right = Port::of(&world, &own, port);
        let allowed = right.send("GET", path, &[], b"");
        assert!([200, 404].contains(&allowed.status), "{}", allowed.status);
        for token in ["", "wrong", foreign["envdAccessToken"].as_str().unwrap()] {
            let mut wrong = Port::of(&world, &own, port);
            wrong.token = token.to_owned();
            wrong.send("GET", path, &[], b"").expect(401);
        }
        // A key is no token.
        let mut keyed = Port::of(&world, &own, port);
        keyed.token = world.key("a");
        keyed.send("GET", path, &[], b"").expect(401);
    }
    // Contexts are asked for with the other header.
    let mut code = Port::of(&world, &own, CODE);
    let token = std::mem::take(&mut code.token);
    code.send(
        "GET",
        "/contexts",
        &[("e2b-traffic-access-token", &token)],
        b"",
    )
    .expect(200);
}

#[test]
fn keys_are_demanded_and_their_scopes_hold() {
    let world = World::new();
    for key in ["", "wrong"] {
        let refused = Control::with_key(&world, key)
            .send("GET", "/v2/sandboxes", Value::Null)
            .expect(401);
        assert_eq!(refused.json()["code"], 401);
    }
    Client::new(world.address, "")
        .get("/v2/sandboxes")
        .expect(401);
    let mut running = Control::with_key(&world, &world.key_for("a", &[Scope::Run]));
    running.send("POST", "/v2/sandboxes", json!({})).expect(403);
}

#[test]
fn families_of_calls_that_are_not_there_say_so_in_the_clients_shape() {
    let world = World::new();
    let mut control = Control::new(&world, "a");
    for (method, path, status) in [
        ("GET", "/volumes", 501),
        ("POST", "/v3/templates", 501),
        ("GET", "/templates/x", 501),
        ("GET", "/secrets", 501),
        ("GET", "/v2/nothing", 404),
        ("PATCH", "/v2/sandboxes", 405),
    ] {
        let answer = control.send(method, path, Value::Null);
        assert_eq!(answer.status, status, "{method} {path}");
        if status != 405 {
            assert_eq!(answer.json()["code"], status, "{method} {path}");
        }
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let world = World::new();
    let mut control = Control::new(&world, "a");
    for body in [
        json!([]),
        json!({"timeout": -1}),
        json!({"timeout": "x"}),
        json!({"metadata": {"a": 1}}),
        json!({"metadata": {"memex.template": "x"}}),
        json!({"envVars": {"A=B": "x"}}),
        json!({"envVars": {"A": "\u{0}"}}),
        json!({"volumeMounts": [{"name": "v", "path": "/x"}]}),
        json!({"mcp": {"x": {}}}),
        json!({"templateID": "no-such-image"}),
        json!({"timeout": u64::MAX}),
    ] {
        let answer = control.send("POST", "/v2/sandboxes", body.clone());
        assert_eq!(
            answer.status,
            400,
            "{body}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        assert_eq!(answer.json()["code"], 400, "{body}");
    }
    let mut client = Client::new(world.address, "");
    let key = world.key("a");
    for body in [&b"{"[..], b"\0", b"\xff\xfe", b"{\"timeout\":1e999}"] {
        client
            .send("POST", "/v2/sandboxes", &[("x-api-key", &key)], body)
            .expect(400);
    }
    let large = vec![b' '; (1 << 20) + 1];
    client
        .send("POST", "/v2/sandboxes", &[("x-api-key", &key)], &large)
        .expect(413);
    // None of them made a sandbox.
    assert_eq!(
        control.send("GET", "/v2/sandboxes", Value::Null).json(),
        json!([])
    );
    for path in [
        "/v2/sandboxes?limit=0",
        "/v2/sandboxes?state=x",
        "/v2/sandboxes?nextToken=x",
        "/v2/sandboxes?order=asc",
    ] {
        control.send("GET", path, Value::Null).expect(400);
    }
    for id in ["..", "%2e%2e", "a", "AAAAAAAAAAAAAAAAAAAA", "%00"] {
        control
            .send("GET", &format!("/sandboxes/{id}"), Value::Null)
            .expect(404);
    }
}

#[test]
fn an_address_that_says_two_things_is_refused() {
    let world = World::new();
    let mut control = Control::new(&world, "a");
    let made = control.create(json!({}));
    let (id, token) = (
        made["sandboxID"].as_str().unwrap(),
        made["envdAccessToken"].as_str().unwrap(),
    );
    let mut client = Client::new(world.address, "");
    let never = "a".repeat(20);
    for headers in [
        &[
            ("e2b-sandbox-id", id),
            ("e2b-sandbox-id", never.as_str()),
            ("x-access-token", token),
        ][..],
        &[
            ("e2b-sandbox-id", id),
            ("e2b-sandbox-port", "x"),
            ("x-access-token", token),
        ],
        &[("e2b-sandbox-id", "../x"), ("x-access-token", token)],
    ] {
        client
            .send("GET", "/files?path=x", headers, b"")
            .expect(400);
    }
    // Nothing listens at other ports, which clients tell by these words.
    let other = [
        ("e2b-sandbox-id", id),
        ("e2b-sandbox-port", "3000"),
        ("x-access-token", token),
    ];
    let answer = client.send("GET", "/", &other, b"").expect(502);
    assert!(String::from_utf8_lossy(&answer.body).contains("port is not open"));
    client
        .send("GET", "/health", &[("e2b-sandbox-id", &never)], b"")
        .expect(502);
    // By host name, as over TLS.
    let request = format!(
        "GET /files?path=/ HTTP/1.1\r\nhost: 49983-{id}.e2b.test\r\nx-access-token: {token}\r\ncontent-length: 0\r\n\r\n"
    );
    let answer = client.raw(request.as_bytes()).expect(400);
    assert!(String::from_utf8_lossy(&answer.body).contains("directory"));
}

#[test]
fn the_domain_is_told_to_whoever_called_it() {
    let world = World::new();
    let key = world.key("a");
    let mut client = Client::new(world.address, "");
    let body = "{}";
    let request = format!(
        "POST /sandboxes HTTP/1.1\r\nhost: api.e2b.test\r\nx-api-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let made = client.raw(request.as_bytes()).expect(201).json();
    assert_eq!(made["domain"], "e2b.test");
}
