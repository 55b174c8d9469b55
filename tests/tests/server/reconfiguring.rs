//! Settings of tenants that are read again while the server runs.

use crate::e2b_client::{CODE, Control};
use crate::world::World;
use memex_server::config::Config;
use memex_server::tenants::Tenant;
use serde_json::json;

fn tenants(text: &str) -> Vec<Tenant> {
    Config::read(text).unwrap().tenants().unwrap()
}

/// A server whose tenant `a` has the standard settings.
fn world() -> World {
    World::of_tenants("[tenants.a]", tempfile::tempdir().unwrap(), |_| {})
}

#[test]
fn a_policy_that_gets_narrower_holds_for_sandboxes_that_are_awake() {
    let world = world();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    assert_eq!(client.value(&sandbox, "x = 5\nx"), "5");
    let narrow = world.folder.path().join("narrow.toml");
    std::fs::write(
        &narrow,
        "version = 1\nextends = 'compute'\n[limits]\nguest_time_ms = 1000\n",
    )
    .unwrap();
    let text = format!("[tenants.a]\npolicy = '{}'", narrow.display());
    let done = world.service.reconfigure(tenants(&text)).unwrap();
    assert_eq!(done.kept, ["a"]);
    let turns = format!("{sandbox}/turns");
    let code = json!({"code": "x"});
    client
        .post(&turns, code.clone())
        .problem(403, "policy-narrowed");
    // New ones are made of the new policy.
    let other = client.sandbox(json!({}));
    assert_eq!(client.value(&other, "1"), "1");
    world.service.reconfigure(tenants("[tenants.a]")).unwrap();
    assert_eq!(client.value(&sandbox, "x"), "5");
}

#[test]
fn quotas_that_are_read_again_count_what_is_there() {
    let world = world();
    let mut client = world.client("a");
    client.sandbox(json!({}));
    client.sandbox(json!({}));
    world
        .service
        .reconfigure(tenants("[tenants.a.quota]\nsandboxes = 2"))
        .unwrap();
    client
        .post("/v1/sandboxes", json!({}))
        .problem(429, "quota-sandboxes");
    world
        .service
        .reconfigure(tenants("[tenants.a.quota]\nsandboxes = 3"))
        .unwrap();
    client.sandbox(json!({}));
    client
        .post("/v1/sandboxes", json!({}))
        .problem(429, "quota-sandboxes");
}

#[test]
fn a_tenant_that_is_not_named_any_more_has_no_keys_and_loses_nothing() {
    let world = world();
    let key = world.key("a");
    let mut client = world.client_with(&key);
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "x = 7");
    let mut port = Control::with_key(&world, &key).port(&world, CODE);
    assert_eq!(port.value("1 + 1"), "2");

    let done = world.service.reconfigure(tenants("[tenants.b]")).unwrap();
    assert_eq!(
        (done.added, done.retired),
        (vec!["b".to_owned()], vec!["a".to_owned()])
    );
    client.get(&sandbox).problem(401, "unauthenticated");
    let refused = port.json("POST", "/execute", json!({"code": "1"}));
    assert_eq!(refused.status, 401);
    // The new one works, and does not see the other's.
    let mut other = world.client("b");
    other.get(&sandbox).problem(404, "not-found");
    let own = other.sandbox(json!({}));
    assert_eq!(other.value(&own, "2"), "2");

    world
        .service
        .reconfigure(tenants("[tenants.a]\n[tenants.b]"))
        .unwrap();
    assert_eq!(client.value(&sandbox, "x"), "7");
    assert_eq!(port.value("2 + 2"), "4");
}

#[test]
fn a_tenant_that_comes_back_after_a_restart_has_its_sandboxes() {
    let first = world();
    let key = first.key("a");
    let sandbox = first.client_with(&key).sandbox(json!({}));
    first.client_with(&key).value(&sandbox, "x = 9");
    let second = World::of_tenants("[tenants.b]", first.stopped(), |_| {});
    let mut client = second.client_with(&key);
    client.get(&sandbox).problem(401, "unauthenticated");
    second
        .service
        .reconfigure(tenants("[tenants.a]\n[tenants.b]"))
        .unwrap();
    assert_eq!(client.value(&sandbox, "x"), "9");
    let used = client.get("/v1/tenant").expect(200).json();
    assert_eq!(used["used"]["sandboxes"], 1);
}
