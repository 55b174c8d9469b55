//! Forks, snapshots, history, and going back.

use crate::world::World;
use serde_json::{Value, json};

#[test]
fn forks_have_the_state_and_random_numbers_of_their_own() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "metadata": { "kind": "parent" } }));
    client.value(&sandbox, "import random\nx = [1]");
    let forks = client
        .post(&format!("{sandbox}/fork"), json!({ "count": 3 }))
        .expect(201)
        .json();
    let forks: Vec<String> = forks["forks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fork| format!("/v1/sandboxes/{}", fork["id"].as_str().unwrap()))
        .collect();
    assert_eq!(forks.len(), 3);
    client.value(&sandbox, "x.append(2)");
    let mut drawn: Vec<String> = vec![client.value(&sandbox, "random.random()")];
    for fork in &forks {
        assert_eq!(client.value(fork, "x"), "[1]");
        client.value(fork, "x.append(3)");
        drawn.push(client.value(fork, "random.random()"));
        let shown = client.get(fork).json();
        assert_eq!(shown["parent"], sandbox.rsplit('/').next().unwrap());
        assert_eq!(shown["metadata"]["kind"], "parent");
    }
    assert_eq!(client.value(&sandbox, "x"), "[1, 2]");
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn.len(), 4);
    for count in [0, 101] {
        client
            .post(&format!("{sandbox}/fork"), json!({ "count": count }))
            .problem(400, "invalid-request");
    }
}

#[test]
fn a_fork_of_a_sandbox_without_turns_is_one_without_turns() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let forks = client
        .post(&format!("{sandbox}/fork"), json!({}))
        .expect(201)
        .json();
    let fork = format!(
        "/v1/sandboxes/{}",
        forks["forks"][0]["id"].as_str().unwrap()
    );
    assert_eq!(client.value(&fork, "1 + 1"), "2");
}

#[test]
fn a_snapshot_outlives_its_sandbox() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "x = 41\nopen('/tmp/f','w').write('kept')");
    let taken = client
        .post(&format!("{sandbox}/snapshots"), json!({ "name": "ready" }))
        .expect(201)
        .json();
    client.value(&sandbox, "x = 0");
    client.delete(&sandbox).expect(204);
    let listed = client.get("/v1/snapshots").expect(200).json();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["name"]),
        (&taken["id"], &json!("ready"))
    );
    for _ in 0..2 {
        let from = client.sandbox(json!({ "snapshot": taken["id"] }));
        assert_eq!(
            client.value(&from, "x + 1, open('/tmp/f').read()"),
            "(42, 'kept')"
        );
    }
    let path = format!("/v1/snapshots/{}", taken["id"].as_str().unwrap());
    client.delete(&path).expect(204);
    client.delete(&path).problem(404, "not-found");
    client
        .post("/v1/sandboxes", json!({ "snapshot": taken["id"] }))
        .problem(404, "not-found");
}

#[test]
fn a_sandbox_goes_back_to_an_earlier_turn_and_on_from_there() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    for n in 1..=4 {
        client.value(&sandbox, &format!("x = {n}"));
    }
    let history = client.get(&format!("{sandbox}/turns")).expect(200).json();
    let turns: Vec<u64> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| turn["turn"].as_u64().unwrap())
        .collect();
    assert_eq!(turns, [4, 3, 2, 1]);
    assert_eq!(history[0]["first_line"], "x = 4");
    let rewound = client
        .post(&format!("{sandbox}/rewind"), json!({ "turn": 2 }))
        .expect(200)
        .json();
    assert_eq!(rewound["turns"], 2);
    assert_eq!(client.value(&sandbox, "x"), "2");
    client.value(&sandbox, "x = 30");
    let history: Value = client.get(&format!("{sandbox}/turns")).json();
    assert_eq!(history.as_array().unwrap().len(), 4, "{history}");
    assert_eq!(client.value(&sandbox, "x"), "30");
    client
        .post(&format!("{sandbox}/rewind"), json!({ "turn": 99 }))
        .problem(404, "no-turn");
    let empty = client.sandbox(json!({}));
    client
        .post(&format!("{empty}/rewind"), json!({ "turn": 1 }))
        .problem(404, "no-turn");
}

#[test]
fn a_rewind_lets_an_equal_request_run_again() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "n = 0");
    let path = format!("{sandbox}/turns");
    let run = |client: &mut crate::client::Client| {
        client
            .post_with(
                &path,
                &[("idempotency-key", "k")],
                json!({ "code": "n += 1\nn" }),
            )
            .expect(200)
            .json()
    };
    run(&mut client);
    client
        .post(&format!("{sandbox}/rewind"), json!({ "turn": 1 }))
        .expect(200);
    assert_eq!(client.value(&sandbox, "n"), "0");
    assert_eq!(run(&mut client)["value"], "1");
}

#[test]
fn a_restart_empties_the_scope_and_keeps_the_files() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(
        &sandbox,
        "x = 1\nimport os\nos.makedirs('/home/user/d/e')\nopen('/home/user/d/f','w').write('kept')",
    );
    client
        .post(&format!("{sandbox}/restart"), json!({}))
        .expect(200);
    let outcome = client.run(&sandbox, "x");
    assert_eq!(outcome["error"]["type"], "NameError");
    assert_eq!(
        client.value(
            &sandbox,
            "import os\n(open('/home/user/d/f').read(), os.listdir('/home/user/d/e'))"
        ),
        "('kept', [])"
    );
}
