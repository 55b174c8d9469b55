//! What is left over when something ends, is deleted or is killed.

use crate::client::Client;
use crate::e2b_client::{CODE, Control};
use crate::world::{World, eventually, states};
use memex_server::keys::NewKey;
use memex_server::tenants::Scope;
use memex_snapshots::SnapshotStore as _;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

fn often(options: &mut memex_server::service::ServiceOptions) {
    options.collection = Duration::from_millis(100);
    options.remembered = Duration::from_secs(1);
}

#[test]
fn a_token_of_a_sandbox_ends_with_the_key_that_asked_for_it() {
    let world = World::new();
    let new = NewKey {
        tenant: "a".to_owned(),
        scopes: vec![Scope::Create, Scope::Run, Scope::Files],
        ..NewKey::default()
    };
    let (key, record) = world.keys().add(new).unwrap();
    eventually(|| world.service.authenticate(&key).is_ok());
    let mut port = Control::with_key(&world, &key).port(&world, CODE);
    assert_eq!(port.value("1 + 1"), "2");
    // The same sandbox, by another key of the tenant.
    let mut other = Control::new(&world, "a");
    let told = format!("/sandboxes/{}", port.sandbox);
    let told = other.send("GET", &told, Value::Null).expect(200).json();
    let token = told["envdAccessToken"].as_str().unwrap().to_owned();
    assert_ne!(token, port.token);
    assert!(world.keys().revoke(&record.id).unwrap());
    eventually(|| world.service.authenticate(&key).is_err());
    port.json("POST", "/execute", json!({ "code": "1" }))
        .expect(401);
    port.token = token;
    assert_eq!(port.value("1 + 1"), "2");
}

fn profiles(data: &Path) -> usize {
    std::fs::read_dir(data.join("profiles")).unwrap().count()
}

#[test]
fn a_profile_goes_when_no_sandbox_and_no_snapshot_is_of_it() {
    let world = World::with(often);
    let mut client = world.client("a");
    let of = |name: &str| json!({ "environment": { "NAME": name } });
    let before = profiles(world.folder.path());
    let [goes, stays, kept] = ["goes", "stays", "kept"].map(|name| client.sandbox(of(name)));
    client.value(&kept, "x = 1");
    let snapshot = client
        .post(&format!("{kept}/snapshots"), json!({}))
        .expect(201)
        .json();
    assert_eq!(profiles(world.folder.path()), before + 3);
    for sandbox in [&goes, &kept] {
        client.delete(sandbox).expect(204);
    }
    eventually(|| profiles(world.folder.path()) == before + 2);
    eventually(|| client.get(&kept).status == 404);
    std::thread::sleep(Duration::from_millis(2_500));
    let key = client.key.clone();
    drop(client);
    let world = World::on(world.stopped(), often);
    let mut client = world.client_with(&key);
    let name = "import os\nos.environ['NAME']";
    assert_eq!(client.value(&stays, name), "'stays'");
    let from = client.sandbox(json!({ "snapshot": snapshot["id"] }));
    assert_eq!(client.value(&from, name), "'kept'");
}

#[test]
fn names_in_the_store_that_a_kill_left_are_swept_and_no_others() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "x = 1");
    let snapshot = client
        .post(&format!("{sandbox}/snapshots"), json!({}))
        .expect(201)
        .json();
    let key = client.key.clone();
    drop(client);
    let folder = world.stopped();
    let store = states(folder.path());
    let state = store.sessions().unwrap()[0].snapshot;
    let id = sandbox.rsplit('/').next().unwrap();
    let lost = id.chars().rev().collect::<String>();
    let left = [
        format!("sb.a.{lost}"),
        format!("snap.a.{lost}"),
        format!("sb.a.{id}.now"),
        format!("sb.a.{id}.start"),
    ];
    let others = ["sb.elsewhere.".to_owned() + &lost, "mine".to_owned()];
    for name in left.iter().chain(&others) {
        store.set_session(name, None, state).unwrap();
    }
    drop(store);
    let world = World::on(folder, often);
    // A name goes when two looks in a row find that it is nobody's.
    std::thread::sleep(Duration::from_millis(3_500));
    let swept = world.stopped();
    let found: Vec<String> = {
        let heads = states(swept.path()).sessions().unwrap();
        heads.into_iter().map(|head| head.name).collect()
    };
    assert!(left.iter().all(|name| !found.contains(name)), "{found:?}");
    assert!(others.iter().all(|name| found.contains(name)), "{found:?}");
    let world = World::on(swept, |_| {});
    let mut client = world.client_with(&key);
    assert_eq!(client.value(&sandbox, "x"), "1");
    let from = client.sandbox(json!({ "snapshot": snapshot["id"] }));
    assert_eq!(client.value(&from, "x"), "1");
}

#[test]
fn snapshots_count_stored_bytes_also_after_a_restart() {
    let stored = |client: &mut Client| -> u64 {
        let tenant = client.get("/v1/tenant").expect(200).json();
        tenant["used"]["stored_bytes"].as_u64().unwrap()
    };
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "x = b'x' * 100_000");
    let before = stored(&mut client);
    let snapshot = client
        .post(&format!("{sandbox}/snapshots"), json!({}))
        .expect(201)
        .json();
    let with = stored(&mut client);
    assert!(with > before, "{with} {before}");
    let key = client.key.clone();
    drop(client);
    let world = World::on(world.stopped(), |_| {});
    let mut client = world.client_with(&key);
    assert_eq!(stored(&mut client), with - before);
    let path = format!("/v1/snapshots/{}", snapshot["id"].as_str().unwrap());
    client.delete(&path).expect(204);
    assert_eq!(stored(&mut client), 0);
}

#[test]
fn variables_of_an_execution_that_a_stop_ends_are_in_no_saved_state() {
    let world = World::new();
    let key = world.key("a");
    let mut port = Control::with_key(&world, &key).port(&world, CODE);
    assert_eq!(port.value("1"), "1");
    let body = json!({
        "code": "import os, time\nopen('/home/user/began', 'w').write(os.environ['SECRET'])\n\
                 time.sleep(60)",
        "env_vars": { "SECRET": "s3cret" }
    });
    let body = body.to_string();
    let request = format!(
        "POST /execute HTTP/1.1\r\nhost: x\r\ne2b-sandbox-id: {}\r\ne2b-sandbox-port: {CODE}\r\n\
         x-access-token: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        port.sandbox,
        port.token,
        body.len()
    );
    let sandbox = format!("/v1/sandboxes/{}", port.sandbox);
    let mut stream = std::net::TcpStream::connect(world.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    eventually(|| world.service.load().2 == 1);
    std::thread::sleep(Duration::from_millis(700));
    // However the server ends it: reading to the end keeps the client there.
    let reader = std::thread::spawn(move || stream.read_to_end(&mut Vec::new()));
    drop(port);
    let world = World::on(world.stopped(), |_| {});
    let _read = reader.join().unwrap();
    let mut client = world.client_with(&key);
    let found = client.value(&sandbox, "import os\nos.environ.get('SECRET')");
    assert_eq!(found, "none");
    let ran = client.get(&format!("{sandbox}/files?path=/home/user/began"));
    assert_eq!(
        ran.expect(200).body,
        b"s3cret",
        "the block had it, and was saved"
    );
}
