//! What one tenant holds does not keep others from theirs, and is bounded.

use crate::client::Client;
use crate::e2b_client::{CODE, Control, FILES, Port};
use crate::world::{World, eventually};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// `hello`, packed with gzip.
const PACKED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0,
];

fn watch(port: &mut Port) -> u16 {
    let asked = json!({ "path": "/home/user" });
    port.call("filesystem.Filesystem/CreateWatcher", asked)
        .status
}

#[test]
fn watchers_are_bounded_by_tenant_and_those_of_ended_sandboxes_do_not_count() {
    let world = World::new();
    let key = world.key("small");
    let mut control = Control::with_key(&world, &key);
    let mut ports = [(); 2].map(|()| control.port(&world, FILES));
    assert_eq!([watch(&mut ports[0]), watch(&mut ports[1])], [200, 200]);
    let asked = json!({ "path": "/home/user" });
    let refused = ports[0].call("filesystem.Filesystem/CreateWatcher", asked);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["code"], "resource_exhausted");
    let mut other = Control::new(&world, "a").port(&world, FILES);
    assert_eq!(watch(&mut other), 200, "another tenant's");
    // Ended by another wire, which does not tell this one.
    let path = format!("/v1/sandboxes/{}", ports[1].sandbox);
    world.client_with(&key).delete(&path).expect(204);
    assert_eq!(watch(&mut ports[0]), 200);
    assert_eq!(watch(&mut ports[0]), 429);
}

#[test]
fn packed_uploads_of_a_tenant_do_not_keep_those_of_others_waiting() {
    let world = World::new();
    let mut busy = Control::new(&world, "a").port(&world, CODE);
    let mut free = Control::new(&world, "b").port(&world, FILES);
    let upload = |port: &mut Port| {
        let packed = [
            ("content-encoding", "gzip"),
            ("content-type", "application/octet-stream"),
        ];
        port.send("POST", "/files?path=/home/user/f", &packed, PACKED)
            .status
    };
    assert_eq!(upload(&mut free), 200);
    std::thread::scope(|scope| {
        let ports: Vec<Port> = (0..4).map(|_| busy.at(&world, FILES)).collect();
        scope.spawn(move || busy.value("import time\ntime.sleep(4)\n1"));
        eventually(|| world.service.load().2 == 1);
        for mut port in ports {
            scope.spawn(move || assert_eq!(upload(&mut port), 200));
        }
        std::thread::sleep(Duration::from_millis(500));
        let began = Instant::now();
        assert_eq!(upload(&mut free), 200);
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        assert!(world.service.load().2 >= 1, "the turn still runs");
    });
}

#[test]
fn bodies_that_wait_to_be_used_are_bounded_by_tenant() {
    let world = World::new();
    let key = world.key("tight");
    let mut client = world.client_with(&key);
    let sandboxes: Vec<String> = (0..3).map(|_| client.sandbox(json!({}))).collect();
    let file = |sandbox: &str| format!("{sandbox}/files?path=/tmp/f");
    std::thread::scope(|scope| {
        let (mut busy, first) = (world.client_with(&key), &sandboxes[0]);
        scope.spawn(move || busy.value(first, "import time\ntime.sleep(2)"));
        eventually(|| world.service.load().2 == 1);
        let (mut waiting, second) = (world.client_with(&key), file(&sandboxes[1]));
        scope.spawn(move || waiting.put(&second, &[b'x'; 900]).expect(200));
        eventually(|| world.service.load().1 == 1);
        let refused = client.put(&file(&sandboxes[2]), &[b'x'; 900]);
        refused.problem(429, "quota-bodies");
        assert_eq!(refused.header("retry-after"), Some("1"));
        let code = json!({ "code": format!("'{}'", "x".repeat(900)) });
        let turn = client.post(&format!("{}/turns", sandboxes[2]), code);
        turn.problem(429, "quota-bodies");
    });
    // One that is larger than the bound is taken where it is the only one.
    let large = client.put(&file(&sandboxes[2]), &[b'x'; 5_000]);
    assert!(matches!(large.status, 200 | 201), "{}", large.status);
    assert_eq!(client.get(&file(&sandboxes[2])).body.len(), 5_000);
}

#[test]
fn bodies_on_their_way_are_bounded_by_tenant_and_leave_room_for_others() {
    let world = World::new();
    let (tight, other) = (world.key("tight"), world.key("a"));
    let mut client = world.client_with(&tight);
    let file = |sandbox: &str| format!("{sandbox}/files?path=/tmp/f");
    let [first, second] = [(); 2].map(|()| file(&client.sandbox(json!({}))));
    // Most of a body, of which the rest is late. It is larger than the bound, and the only one.
    let mut slow = TcpStream::connect(world.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let head = format!(
        "PUT {first} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {tight}\r\ncontent-length: 5000\r\nconnection: close\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.write_all(&[b'x'; 4_000]).unwrap();
    // Nothing else of the tenant's is to come in between.
    std::thread::sleep(Duration::from_secs(1));
    let refused = client.put(&second, &[b'x'; 900]);
    refused.problem(429, "quota-bodies");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let code = json!({ "code": format!("'{}'", "x".repeat(900)) });
    let path = second.replace("/files?path=/tmp/f", "/turns");
    client.post(&path, code).problem(429, "quota-bodies");
    let mut others = world.client_with(&other);
    let theirs = file(&others.sandbox(json!({})));
    let put = others.put(&theirs, &[b'x'; 5_000]);
    assert!(matches!(put.status, 200 | 201), "{}", put.status);
    // The control: the rest of the first is taken, and then the other.
    slow.write_all(&[b'x'; 1_000]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    let put = client.put(&second, &[b'x'; 900]);
    assert!(matches!(put.status, 200 | 201), "{}", put.status);
    assert_eq!(client.get(&first).body.len(), 5_000);
}

#[test]
fn executions_that_wait_for_their_sandbox_are_bounded_by_tenant() {
    let world = World::new();
    let mut control = Control::with_key(&world, &world.key("tight"));
    let mut port = control.port(&world, CODE);
    let long = json!({ "code": format!("len('{}')", "x".repeat(600)) });
    std::thread::scope(|scope| {
        let [mut busy, mut waiting] = [(); 2].map(|()| port.at(&world, CODE));
        scope.spawn(move || busy.value("import time\ntime.sleep(4)\n1"));
        eventually(|| world.service.load().2 == 1);
        let asked = long.clone();
        scope.spawn(move || assert!(waiting.execute(asked).len() > 1));
        std::thread::sleep(Duration::from_secs(1));
        let refused = port.json("POST", "/execute", long.clone());
        assert_eq!(refused.status, 429);
    });
    assert_eq!(port.execute(long)[1]["text"], "600");
}

#[test]
fn time_around_an_execution_and_of_one_that_comes_to_nothing_counts() {
    let world = World::new();
    let key = world.key("a");
    let mut port = Control::with_key(&world, &key).port(&world, CODE);
    let mut client = world.client_with(&key);
    let usage = format!("/v1/sandboxes/{}/usage", port.sandbox);
    let mut used = move || {
        client.get(&usage).expect(200).json()["cpu_us"]
            .as_u64()
            .unwrap()
    };
    let spin = "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end:\n    pass\n";
    let mut run = |code: &str| {
        let before = used();
        let asked = json!({ "code": code, "env_vars": { "A": "1" } });
        let status = port.json("POST", "/execute", asked).status;
        (status, Duration::from_micros(used() - before))
    };
    let (status, spent) = run(&format!("{spin}1"));
    assert!(
        status == 200 && spent > Duration::from_millis(500),
        "{spent:?}"
    );
    let (status, spent) = run("1");
    assert!(
        status == 200 && spent < Duration::from_millis(500),
        "{spent:?}"
    );
    // The variables cannot be taken back: the turn comes to nothing.
    let (_status, spent) = run(&format!("{spin}import os\nos.environ = None"));
    assert!(spent > Duration::from_millis(500), "{spent:?}");
}

#[test]
fn reads_that_overlap_do_not_put_off_a_pause() {
    let world = World::new();
    let key = world.key("a");
    let mut client = world.client_with(&key);
    let sandbox = client.sandbox(json!({ "lifetime_s": 2, "on_timeout": "pause" }));
    client.value(&sandbox, "x = 5");
    let path = format!("{sandbox}/files/info?path=/tmp");
    let read = |mut client: Client| -> (u16, Value) {
        let began = Instant::now();
        loop {
            let answer = client.get(&path);
            if answer.status != 200 || began.elapsed() > Duration::from_secs(10) {
                return (answer.status, answer.json());
            }
        }
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| read(world.client_with(&key))))
            .collect();
        for reader in readers {
            let (status, problem) = reader.join().unwrap();
            assert_eq!(
                (status, &problem["code"]),
                (409, &json!("paused")),
                "{problem}"
            );
        }
    });
    assert_eq!(client.get(&sandbox).json()["state"], "paused");
    client
        .post(&format!("{sandbox}/resume"), json!({}))
        .expect(200);
    assert_eq!(client.value(&sandbox, "x"), "5");
}
