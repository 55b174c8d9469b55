//! Webhooks: what is told, signed, tried again, and where it may not go.

use crate::world::{World, eventually};
use memex_server::operations::webhooks::WebhookSettings;
use memex_server::tenants::Scope;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &str = "0123456789abcdef0123";

/// A request that a target got.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A target that answers with these statuses, one after another, and 204 after them.
pub(crate) fn target(statuses: &'static [u16]) -> (SocketAddr, Arc<Mutex<Vec<Got>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let got: Arc<Mutex<Vec<Got>>> = Arc::default();
    let kept = Arc::clone(&got);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                headers.push(line.trim().to_owned());
            }
            let mut one = Got {
                headers,
                body: Vec::new(),
            };
            one.body = vec![0; one.header("content-length").parse().unwrap_or(0)];
            reader.read_exact(&mut one.body).unwrap();
            kept.lock().unwrap().push(one);
            let status = statuses.get(number).copied().unwrap_or(204);
            let answer = format!(
                "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            );
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, got)
}

fn settings(address: SocketAddr) -> WebhookSettings {
    WebhookSettings {
        url: format!("http://{address}/hooks?x=1"),
        secret_variable: "HOOK".to_owned(),
        private_addresses: true,
        ..WebhookSettings::default()
    }
}

fn tell(world: &World, settings: &WebhookSettings) {
    let secret = |name: &str| (name == "HOOK").then(|| SECRET.to_owned());
    let target = settings.build(&secret).unwrap();
    world
        .service
        .set_webhooks(vec![target], Some(Duration::from_millis(20)));
}

pub(crate) fn figure(world: &World, name: &str) -> u64 {
    let admin = world.key_for("a", &[Scope::Admin]);
    let figures = world.client_with(&admin).get("/metrics").expect(200).body;
    let figures = String::from_utf8(figures).unwrap();
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap().parse().unwrap()
}

#[test]
fn what_happens_to_a_sandbox_is_told_in_order_and_signed() {
    let world = World::new();
    let (address, got) = target(&[]);
    let mut one = settings(address);
    one.tenants = Some(vec!["a".to_owned()]);
    tell(&world, &one);
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({"limits": {"guest_time_ms": 200}}));
    let _others = world.client("b").sandbox(json!({}));
    client.run(&sandbox, "secret_text = 'do not tell'\nwhile True: pass");
    client.delete(&sandbox).expect(204);
    eventually(|| got.lock().unwrap().len() >= 3);
    let got = got.lock().unwrap().clone();
    let events: Vec<String> = got
        .iter()
        .map(|one| one.json()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        events,
        ["sandbox.created", "sandbox.limit-hit", "sandbox.ended"]
    );
    let id = sandbox.rsplit('/').next().unwrap();
    for one in &got {
        let told = one.json();
        assert_eq!(
            (&told["tenant"], &told["subject"]),
            (&json!("a"), &json!(id))
        );
        assert_eq!(one.header("memex-event-id"), told["id"].as_str().unwrap());
        assert!(!String::from_utf8_lossy(&one.body).contains("do not tell"));
        let signed = one.header("memex-signature");
        let (time, digest) = signed
            .strip_prefix("t=")
            .unwrap()
            .split_once(",v1=")
            .unwrap();
        let message = [time.as_bytes(), b".", &one.body[..]].concat();
        assert_eq!(digest, hmac_sha256(SECRET.as_bytes(), &message));
    }
    assert_eq!(got[1].json()["detail"], "guest_time_ms");
    assert_eq!(got[2].json()["detail"], "deleted");
    assert_eq!(figure(&world, "memex_webhooks_delivered_total"), 3);
}

/// HMAC by its definition, so that the signature is held against something else.
fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let pad = |with: u8| {
        let mut block = [with; 64];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_notice_that_is_not_taken_is_tried_again_as_the_same_one_and_no_redirect_is_followed() {
    let world = World::new();
    let (address, got) = target(&[500, 302]);
    tell(&world, &settings(address));
    world.client("a").sandbox(json!({}));
    eventually(|| figure(&world, "memex_webhooks_delivered_total") == 1);
    let got = got.lock().unwrap().clone();
    assert_eq!(got.len(), 3);
    let ids: Vec<&str> = got.iter().map(|one| one.header("memex-event-id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_target_that_never_takes_a_notice_is_given_up_and_holds_nobody_up() {
    let world = World::new();
    let (address, got) = target(&[500; 64]);
    tell(&world, &settings(address));
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    assert_eq!(client.value(&sandbox, "1"), "1");
    eventually(|| figure(&world, "memex_webhooks_failed_total") == 1);
    assert_eq!(got.lock().unwrap().len(), 8);
}

#[test]
fn the_queue_of_a_target_is_bounded_and_what_does_not_fit_is_counted() {
    let quick = "[tenants.a.quota]\ncreates_per_s = 1_000_000.0";
    let world = World::of_tenants(quick, tempfile::tempdir().unwrap(), |_| {});
    // Nothing is taken from this one: its connection is never answered.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    tell(&world, &settings(silent.local_addr().unwrap()));
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    // A fork is told too, a hundred at a time.
    for _ in 0..11 {
        client
            .post(&format!("{sandbox}/fork"), json!({"count": 100}))
            .expect(201);
    }
    let dropped = figure(&world, "memex_webhooks_dropped_total");
    // One is under way; a thousand wait.
    assert!((98..=101).contains(&dropped), "{dropped}");
}

/// A name that the operator wrote may lead anywhere: only public addresses are called.
#[test]
fn a_target_is_not_called_at_an_address_of_this_machine() {
    let world = World::new();
    let (address, got) = target(&[]);
    let secret = |_: &str| Some(SECRET.to_owned());
    let port = address.port();
    for url in [
        format!("https://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        "https://169.254.169.254/latest/".to_owned(),
    ] {
        let public = WebhookSettings {
            url,
            private_addresses: false,
            ..settings(address)
        };
        let target = public.build(&secret).unwrap();
        world
            .service
            .set_webhooks(vec![target], Some(Duration::from_millis(5)));
        let before = figure(&world, "memex_webhooks_failed_total");
        world.client("a").sandbox(json!({}));
        eventually(|| figure(&world, "memex_webhooks_failed_total") == before + 1);
    }
    assert!(got.lock().unwrap().is_empty());
    // The control: the same target, where the operator permits it.
    tell(&world, &settings(address));
    world.client("a").sandbox(json!({}));
    eventually(|| got.lock().unwrap().len() == 1);
}
