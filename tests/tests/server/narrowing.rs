//! The policy of a tenant, narrowed by the operator after sandboxes were made.

use crate::world::World;
use serde_json::json;

#[test]
fn what_was_made_under_a_wider_policy_is_refused_with_the_reason() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let narrow = client.sandbox(json!({ "limits": { "guest_time_ms": "1s" } }));
    for sandbox in [&sandbox, &narrow] {
        client.value(sandbox, "x = 4");
    }
    let snapshot = client
        .post(&format!("{sandbox}/snapshots"), json!({}))
        .expect(201)
        .json();
    let key = client.key.clone();
    drop(client);
    let folder = world.stopped();
    let policy = folder.path().join("narrow.toml");
    let text = "version = 1\nextends = \"compute\"\n[limits]\nguest_time_ms = 2000\n";
    std::fs::write(&policy, text).unwrap();
    let tenants = format!("[tenants.a]\npolicy = {:?}", policy.to_str().unwrap());
    let world = World::of_tenants(&tenants, folder, |_| {});
    let mut client = world.client_with(&key);
    let from = json!({ "snapshot": snapshot["id"] });
    for refused in [
        client.post(&format!("{sandbox}/turns"), json!({ "code": "x" })),
        client.post(&format!("{sandbox}/fork"), json!({})),
        client.post("/v1/sandboxes", from.clone()),
    ] {
        let problem = refused.problem(403, "policy-narrowed");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("guest_time"), "{detail}");
    }
    assert_eq!(client.value(&narrow, "x"), "4", "it asked for less");
    let made = client.sandbox(json!({}));
    assert_eq!(client.value(&made, "1"), "1");
    let used = client.get("/v1/tenant").json();
    assert_eq!(
        used["used"]["sandboxes"], 3,
        "what was refused is not counted"
    );
    drop(client);
    // The control: the operator permits it again.
    let world = World::on(world.stopped(), |_| {});
    let mut client = world.client_with(&key);
    assert_eq!(client.value(&sandbox, "x"), "4");
    let from = client.sandbox(from);
    assert_eq!(client.value(&from, "x"), "4");
}
