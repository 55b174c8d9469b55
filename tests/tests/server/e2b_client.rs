//! What E2B's clients send, byte by byte.

use crate::client::{Answer, Client};
use crate::world::World;
use serde_json::{Value, json};

/// The control plane, with a key.
pub(crate) struct Control {
    client: Client,
    key: String,
}

/// A port of a sandbox, with its token.
pub(crate) struct Port {
    client: Client,
    pub(crate) sandbox: String,
    pub(crate) token: String,
    pub(crate) port: &'static str,
}

pub(crate) const FILES: &str = "49983";
pub(crate) const CODE: &str = "49999";

impl Control {
    pub(crate) fn new(world: &World, tenant: &str) -> Self {
        Self::with_key(world, &world.key(tenant))
    }

    pub(crate) fn with_key(world: &World, key: &str) -> Self {
        Self {
            client: Client::new(world.address, ""),
            key: key.to_owned(),
        }
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let headers = [
            ("x-api-key", self.key.as_str()),
            ("content-type", "application/json"),
        ];
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        self.client.send(method, path, &headers, &body)
    }

    /// Makes a sandbox.
    #[track_caller]
    pub(crate) fn create(&mut self, body: Value) -> Value {
        self.send("POST", "/v2/sandboxes", body).expect(201).json()
    }

    /// Makes a sandbox and goes to a port of it.
    #[track_caller]
    pub(crate) fn port(&mut self, world: &World, port: &'static str) -> Port {
        let made = self.create(json!({"templateID": "base"}));
        Port::of(world, &made, port)
    }
}

impl Port {
    pub(crate) fn of(world: &World, made: &Value, port: &'static str) -> Self {
        Self {
            client: Client::new(world.address, ""),
            sandbox: made["sandboxID"].as_str().unwrap().to_owned(),
            token: made["envdAccessToken"].as_str().unwrap().to_owned(),
            port,
        }
    }

    /// The same sandbox at another port, by another connection.
    pub(crate) fn at(&self, world: &World, port: &'static str) -> Self {
        Self {
            client: Client::new(world.address, ""),
            sandbox: self.sandbox.clone(),
            token: self.token.clone(),
            port,
        }
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut headers = vec![
            ("e2b-sandbox-id", self.sandbox.as_str()),
            ("e2b-sandbox-port", self.port),
        ];
        if !self.token.is_empty() {
            headers.push(("x-access-token", self.token.as_str()));
        }
        headers.extend_from_slice(more);
        self.client.send(method, path, &headers, body)
    }

    pub(crate) fn json(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(method, path, &json, body.to_string().as_bytes())
    }

    /// A unary call.
    pub(crate) fn call(&mut self, name: &str, message: Value) -> Answer {
        self.json("POST", &format!("/{name}"), message)
    }

    /// A call that is answered by a stream: its messages, and the end.
    #[track_caller]
    pub(crate) fn stream(&mut self, name: &str, body: &[u8]) -> (Vec<Value>, Value) {
        let head = [("content-type", "application/connect+json")];
        let answer = self
            .send("POST", &format!("/{name}"), &head, body)
            .expect(200);
        assert_eq!(
            answer.header("content-type"),
            Some("application/connect+json")
        );
        let mut messages = frames(&answer.body);
        let (flags, end) = messages.pop().unwrap();
        assert_eq!(flags, 2, "the last frame is the end");
        assert!(messages.iter().all(|(flags, _)| *flags == 0));
        (
            messages.into_iter().map(|(_, message)| message).collect(),
            end,
        )
    }

    /// Runs a block: the lines of its answer.
    #[track_caller]
    pub(crate) fn execute(&mut self, body: Value) -> Vec<Value> {
        let answer = self.json("POST", "/execute", body).expect(200);
        let text = String::from_utf8(answer.body).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The value of a block's last expression.
    #[track_caller]
    pub(crate) fn value(&mut self, code: &str) -> Value {
        let lines = self.execute(json!({ "code": code }));
        let main = lines.iter().find(|line| line["is_main_result"] == true);
        main.unwrap_or_else(|| panic!("no value: {lines:?}"))["text"].clone()
    }
}

/// A frame with a message.
pub(crate) fn frame(message: &Value) -> Vec<u8> {
    let message = message.to_string();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message.as_bytes()].concat()
}

fn frames(mut bytes: &[u8]) -> Vec<(u8, Value)> {
    let mut found = Vec::new();
    while let [flags, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (message, rest) = rest.split_at(length);
        found.push((*flags, serde_json::from_slice(message).unwrap()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "a frame is cut");
    found
}
