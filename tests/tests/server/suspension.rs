//! Turns that wait for their client.

use crate::world::{World, eventually};
use serde_json::{Value, json};
use std::time::Duration;

fn tools() -> Value {
    json!([{
        "name": "ask",
        "description": "Asks the client.",
        "parameters": { "type": "object", "properties": { "q": { "type": "string" } }, "required": ["q"] },
        "returns": { "type": "string" }
    }])
}

#[test]
fn a_turn_waits_for_its_answers_and_goes_on() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "tools": tools() }));
    let waiting = client.run(&sandbox, "a = ask(q='one')\nb = ask(q='two')\na + b");
    assert_eq!(waiting["status"], "waiting", "{waiting}");
    let call = &waiting["calls"][0];
    assert_eq!(
        (&call["tool"], &call["arguments"]["q"]),
        (&json!("ask"), &json!("one"))
    );
    let turn = client.post(&format!("{sandbox}/turns"), json!({ "code": "1" }));
    turn.problem(409, "waiting");
    let again = client.get(&format!("{sandbox}/waiting")).expect(200).json();
    assert_eq!(again["calls"], waiting["calls"]);
    let answers = format!("{sandbox}/answers");
    let wrong = client.post(
        &answers,
        json!({ "answers": [{ "call": "call_999", "value": "x" }] }),
    );
    wrong.problem(400, "invalid-request");
    let wrong = client.post(
        &answers,
        json!({ "answers": [{ "call": call["id"], "value": 7 }] }),
    );
    wrong.problem(400, "invalid-request");
    let next = client.post(
        &answers,
        json!({ "answers": [{ "call": call["id"], "value": "x" }] }),
    );
    let next = next.expect(200).json();
    assert_eq!(
        (&next["status"], &next["calls"][0]["arguments"]["q"]),
        (&json!("waiting"), &json!("two"))
    );
    let done = client.post(
        &answers,
        json!({ "answers": [{ "call": next["calls"][0]["id"], "value": "y" }] }),
    );
    assert_eq!(done.expect(200).json()["value"], "'xy'");
    client
        .get(&format!("{sandbox}/waiting"))
        .problem(404, "not-waiting");
    client.post(&answers, json!({})).problem(409, "not-waiting");
}

#[test]
fn an_error_is_raised_and_a_cancelled_turn_is_over() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "tools": tools() }));
    let code = "try:\n    r = ask(q='x')\nexcept KeyError as e:\n    r = repr(e)\nr";
    let waiting = client.run(&sandbox, code);
    let error = json!({ "type": "KeyError", "message": "no" });
    let answer = json!({ "answers": [{ "call": waiting["calls"][0]["id"], "error": error }] });
    let done = client
        .post(&format!("{sandbox}/answers"), answer)
        .expect(200)
        .json();
    assert_eq!(done["value"], "\"KeyError('no')\"", "{done}");
    client.run(&sandbox, "ask(q='x')");
    client.delete(&format!("{sandbox}/waiting")).expect(204);
    client
        .delete(&format!("{sandbox}/waiting"))
        .problem(409, "not-waiting");
    assert_eq!(client.value(&sandbox, "r"), "\"KeyError('no')\"");
}

#[test]
fn a_turn_waits_through_sleep_and_through_a_restart() {
    let nap = |options: &mut memex_server::service::ServiceOptions| {
        options.idle = Duration::from_millis(200)
    };
    let world = World::with(nap);
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "tools": tools() }));
    client.value(&sandbox, "kept = 1");
    let code = json!({ "code": "print('before')\nx = ask(q='name')\nx + str(kept)" });
    let path = format!("{sandbox}/turns");
    let key = [("idempotency-key", "w")];
    let waiting = client
        .post_with(&path, &key, code.clone())
        .expect(200)
        .json();
    eventually(|| client.get(&sandbox).json()["state"] == "asleep");
    let again = client.get(&format!("{sandbox}/waiting")).expect(200).json();
    assert_eq!(again["calls"], waiting["calls"]);
    let key_text = client.key.clone();
    drop(client);
    let world = World::on(world.stopped(), nap);
    let mut client = world.client_with(&key_text);
    // The request that began it gets the same reply.
    let same = client
        .post_with(&path, &key, code.clone())
        .expect(200)
        .json();
    assert_eq!(same["calls"], waiting["calls"]);
    let answer = json!({ "answers": [{ "call": waiting["calls"][0]["id"], "value": "n" }] });
    let done = client
        .post(&format!("{sandbox}/answers"), answer)
        .expect(200)
        .json();
    assert_eq!(
        (&done["value"], &done["stdout"]),
        (&json!("'n1'"), &json!("before\n")),
        "{done}"
    );
    let same = client.post_with(&path, &key, code).expect(200).json();
    assert_eq!(same["value"], "'n1'", "the whole turn is not run again");
}

#[test]
fn a_call_in_a_place_that_cannot_await_is_answered_too() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "tools": tools() }));
    let waiting = client.run(
        &sandbox,
        "n = 0\ndef f(q):\n    global n\n    n += 1\n    return ask(q=q)\nf('a') + str(n)",
    );
    assert_eq!(waiting["status"], "waiting", "{waiting}");
    let answer = json!({ "answers": [{ "call": waiting["calls"][0]["id"], "value": "A" }] });
    let done = client
        .post(&format!("{sandbox}/answers"), answer)
        .expect(200)
        .json();
    assert_eq!(done["value"], "'A1'", "{done}");
}

#[test]
fn a_sandbox_that_waits_is_not_forked_and_can_be_deleted() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "tools": tools() }));
    client.run(&sandbox, "ask(q='x')");
    client
        .post(&format!("{sandbox}/fork"), json!({}))
        .problem(409, "waiting");
    client
        .post(&format!("{sandbox}/snapshots"), json!({}))
        .problem(409, "waiting");
    client
        .put(&format!("{sandbox}/files?path=/tmp/f"), b"1")
        .problem(409, "waiting");
    client.delete(&sandbox).expect(204);
}

#[test]
fn tools_that_are_none_are_refused() {
    let world = World::new();
    let mut client = world.client("a");
    for tool in [
        json!({ "name": "not a name" }),
        json!({ "name": "f", "parameters": { "type": "string" } }),
        json!({ "name": "" }),
    ] {
        client
            .post("/v1/sandboxes", json!({ "tools": [tool] }))
            .problem(400, "invalid-request");
    }
    let twice = json!({ "tools": [{ "name": "f" }, { "name": "f" }] });
    client
        .post("/v1/sandboxes", twice)
        .problem(400, "invalid-request");
    assert_eq!(client.get("/v1/tenant").json()["used"]["sandboxes"], 0);
}
