//! OpenSandbox's wire: addresses, tokens, events, and bad input.

use crate::client::{Answer, Client};
use crate::world::World;
use serde_json::{Value, json};

const CREATE: &str = "/v1/sandboxes";

struct Wire {
    client: Client,
    key: String,
}

impl Wire {
    fn new(world: &World, tenant: &str) -> Self {
        Self {
            client: Client::new(world.address, ""),
            key: world.key(tenant),
        }
    }

    fn send(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let headers = [
            ("open-sandbox-api-key", self.key.as_str()),
            ("content-type", "application/json"),
        ];
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        self.client.send(method, path, &headers, &body)
    }

    /// Makes a sandbox: its id, the path of its daemon, and its token.
    #[track_caller]
    fn sandbox(&mut self) -> Daemon {
        let body = json!({"image": {"uri": "python:3.13"}, "timeout": 100});
        let made = self.send("POST", CREATE, body).expect(202).json();
        let id = made["id"].as_str().unwrap().to_owned();
        let told = self
            .send(
                "GET",
                &format!("{CREATE}/{id}/endpoints/44772"),
                Value::Null,
            )
            .expect(200)
            .json();
        let (_host, path) = told["endpoint"].as_str().unwrap().split_once('/').unwrap();
        Daemon {
            path: format!("/{path}"),
            token: told["headers"]["x-execd-access-token"]
                .as_str()
                .unwrap()
                .to_owned(),
            id,
        }
    }
}

struct Daemon {
    id: String,
    path: String,
    token: String,
}

impl Daemon {
    fn send(&self, world: &World, method: &str, path: &str, body: Value) -> Answer {
        let mut client = Client::new(world.address, "");
        let headers = [
            ("x-execd-access-token", self.token.as_str()),
            ("content-type", "application/json"),
        ];
        client.send(
            method,
            &format!("{}{path}", self.path),
            &headers,
            body.to_string().as_bytes(),
        )
    }

    /// Runs a block: the events of its answer, without their times.
    #[track_caller]
    fn code(&self, world: &World, body: Value) -> Vec<Value> {
        let answer = self.send(world, "POST", "/code", body).expect(200);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let text = String::from_utf8(answer.body).unwrap();
        let events = text
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("data: "));
        let mut events: Vec<Value> = events
            .map(|event| serde_json::from_str(event).unwrap())
            .collect();
        for event in &mut events {
            assert!(
                event
                    .as_object_mut()
                    .unwrap()
                    .remove("timestamp")
                    .unwrap()
                    .is_u64()
            );
        }
        events
    }
}

#[test]
fn an_execution_is_events_in_order() {
    let world = World::new();
    let daemon = Wire::new(&world, "a").sandbox();
    let events = daemon.code(
        &world,
        json!({"code": "print('hi')\n1 + 1", "context": {"language": "python"}}),
    );
    let types: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "init",
            "execution_count",
            "stdout",
            "result",
            "execution_complete"
        ]
    );
    assert_eq!(events[2], json!({"type": "stdout", "text": "hi\n"}));
    assert_eq!(
        events[3]["results"],
        json!({"text": "2", "text/plain": "2"})
    );
    let failed = daemon.code(&world, json!({"code": "1 / 0"}));
    assert_eq!(failed[2]["error"]["ename"], "ZeroDivisionError");
}

#[test]
fn tokens_and_keys_open_what_is_theirs() {
    let world = World::new();
    let mut owner = Wire::new(&world, "a");
    let mut other = Wire::new(&world, "b");
    let (own, foreign) = (owner.sandbox(), other.sandbox());
    own.send(&world, "GET", "/ping", Value::Null).expect(200);
    for token in ["", "wrong", foreign.token.as_str()] {
        let wrong = Daemon {
            id: own.id.clone(),
            path: own.path.clone(),
            token: token.to_owned(),
        };
        wrong.send(&world, "GET", "/ping", Value::Null).expect(401);
        wrong
            .send(&world, "POST", "/code", json!({"code": "1"}))
            .expect(401);
    }
    // In server-proxy mode the key is shown: another tenant's finds nothing.
    let path = format!("{}/ping", own.path);
    owner.send("GET", &path, Value::Null).expect(200);
    other.send("GET", &path, Value::Null).expect(404);
    for (method, path, body) in [
        ("GET", format!("{CREATE}/{}", own.id), Value::Null),
        (
            "GET",
            format!("{CREATE}/{}/endpoints/44772", own.id),
            Value::Null,
        ),
        ("POST", format!("{CREATE}/{}/pause", own.id), Value::Null),
        ("POST", format!("{CREATE}/{}/resume", own.id), Value::Null),
        (
            "POST",
            format!("{CREATE}/{}/renew-expiration", own.id),
            json!({"expiresAt": "2999-01-01T00:00:00Z"}),
        ),
        ("POST", format!("{CREATE}/{}/snapshots", own.id), json!({})),
        ("DELETE", format!("{CREATE}/{}", own.id), Value::Null),
    ] {
        other.send(method, &path, body).expect(404);
    }
    let listed = other.send("GET", CREATE, Value::Null).expect(200).json();
    assert_eq!(
        (
            &listed["items"][0]["id"],
            &listed["pagination"]["totalItems"]
        ),
        (&json!(foreign.id), &json!(1))
    );
    owner
        .send("DELETE", &format!("{CREATE}/{}", own.id), Value::Null)
        .expect(204);
    own.send(&world, "GET", "/ping", Value::Null).expect(404);
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let world = World::new();
    let mut wire = Wire::new(&world, "a");
    for body in [
        json!({}),
        json!([]),
        json!({"image": {"uri": "ubuntu:24.04"}}),
        json!({"image": {"uri": "python"}, "timeout": -1}),
        json!({"image": {"uri": "python"}, "volumes": [{"name": "v"}]}),
        json!({"image": {"uri": "python"}, "credentialProxy": {"enabled": true}}),
        json!({"image": {"uri": "python"}, "metadata": {"memex.template": "x"}}),
    ] {
        let answer = wire.send("POST", CREATE, body.clone());
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json()["code"].is_string(), "{body}");
    }
    let daemon = wire.sandbox();
    for (method, path, body, status) in [
        (
            "POST",
            "/code",
            json!({"code": "1", "context": {"language": "go"}}),
            400,
        ),
        (
            "POST",
            "/code",
            json!({"code": "1", "context": {"id": "nothing"}}),
            404,
        ),
        ("POST", "/code", json!([]), 400),
        ("DELETE", "/code", Value::Null, 400),
        ("DELETE", "/code?id=nothing", Value::Null, 200),
        ("POST", "/command", json!({}), 400),
        ("POST", "/command", json!({"command": "a\u{0}b"}), 400),
        (
            "POST",
            "/command",
            json!({"command": "ls", "argv": ["ls"]}),
            400,
        ),
        (
            "POST",
            "/command",
            json!({"command": "ls", "background": true}),
            501,
        ),
        ("GET", "/files/download?path=no", Value::Null, 404),
        ("GET", "/files/download?path=a%00b", Value::Null, 400),
        ("GET", "/files/download", Value::Null, 400),
        ("GET", "/files/info", Value::Null, 400),
        (
            "POST",
            "/files/mv",
            json!([{"src": "no", "dest": "x"}]),
            404,
        ),
        (
            "POST",
            "/files/replace",
            json!({"no": {"old": "a", "new": "b"}}),
            404,
        ),
        ("POST", "/files/permissions", json!({}), 501),
        ("POST", "/files/upload", json!({}), 400),
        ("GET", "/code/contexts/nothing", Value::Null, 404),
        ("POST", "/session", json!({}), 501),
        ("GET", "/nothing", Value::Null, 404),
    ] {
        let answer = daemon.send(&world, method, path, body.clone());
        assert_eq!(
            answer.status,
            status,
            "{method} {path} {body}: {}",
            String::from_utf8_lossy(&answer.body)
        );
    }
    wire.send(
        "GET",
        &format!("{CREATE}/{}/endpoints/80", daemon.id),
        Value::Null,
    )
    .expect(404);
    wire.send(
        "GET",
        &format!("/opensandbox/{}/80/", daemon.id),
        Value::Null,
    )
    .expect(404);
    wire.send("GET", "/opensandbox/nothing/44772/ping", Value::Null)
        .expect(404);
    wire.send(
        "PATCH",
        &format!("{CREATE}/{}/metadata", daemon.id),
        json!({}),
    )
    .expect(501);
    wire.send("GET", "/v1/nothing", Value::Null).expect(404);
}

#[test]
fn a_paused_sandbox_says_so() {
    let world = World::new();
    let mut wire = Wire::new(&world, "a");
    let daemon = wire.sandbox();
    let path = |call: &str| format!("{CREATE}/{}{call}", daemon.id);
    wire.send("POST", &path("/pause"), Value::Null).expect(202);
    daemon.send(&world, "GET", "/ping", Value::Null).expect(409);
    let told = wire.send("GET", &path(""), Value::Null).expect(200).json();
    assert_eq!(told["status"]["state"], "Paused");
    wire.send("POST", &path("/resume"), Value::Null).expect(202);
    daemon.send(&world, "GET", "/ping", Value::Null).expect(200);
}
