//! Agents that run for clients, and memories, with models that play scripts.

use crate::client::{Answer, Client};
use crate::world::{World, eventually};
use memex_agent::AgentConfig;
use memex_models::{Prices, Script, ScriptEntry, ScriptedCall, ScriptedModel};
use memex_server::agents::{Catalogue, OperatedAgent};
use memex_server::tenants::Scope;
use serde_json::{Value, json};
use std::sync::Arc;

fn says(text: &str) -> ScriptEntry {
    ScriptEntry {
        text: text.into(),
        ..ScriptEntry::default()
    }
}

/// A reply that runs a block.
fn runs(code: &str) -> ScriptEntry {
    ScriptEntry {
        tool_calls: vec![ScriptedCall {
            id: None,
            name: "python".into(),
            arguments: json!({ "code": code }),
        }],
        ..ScriptEntry::default()
    }
}

fn agent(name: &str, replies: Vec<ScriptEntry>) -> OperatedAgent {
    OperatedAgent {
        name: name.to_owned(),
        description: "Plays a script.".to_owned(),
        model: Arc::new(ScriptedModel::new("script", Script::new(name, replies))),
        config: AgentConfig::default(),
        prices: Prices::none(),
    }
}

fn world(agents: Vec<OperatedAgent>) -> World {
    let world = World::new();
    world
        .service
        .set_agents(agents.into_iter().collect::<Catalogue>());
    world
}

fn start(client: &mut Client, body: Value) -> String {
    let started = client.post("/v1/runs", body).expect(202).json();
    assert_eq!(started["state"], "running");
    format!("/v1/runs/{}", started["id"].as_str().unwrap())
}

fn ended(client: &mut Client, run: &str) -> Value {
    let mut last = Value::Null;
    eventually(|| {
        last = client.get(run).expect(200).json();
        last["state"] != "running"
    });
    last
}

#[test]
fn a_task_runs_to_its_answer_and_its_steps_are_told() {
    let replies = vec![runs("x = sum(data)\nprint(x)"), says("It is 6.")];
    let world = world(vec![agent("helper", replies)]);
    let mut client = world.client("a");
    let listed = client.get("/v1/agents").expect(200).json();
    assert_eq!(listed["items"][0]["name"], "helper");
    assert_eq!(listed["items"][0]["budgets"]["turns"], 50);

    let task = json!({"task": "Add them.", "inputs": {"data": [1, 2, 3]}});
    let events = world
        .client_with(&client.key)
        .events("/v1/runs", task)
        .all();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.last(), Some(&"done"), "{names:?}");
    assert!(
        names.contains(&"asked") && names.contains(&"runs"),
        "{names:?}"
    );
    let outputs = events.iter().filter(|(name, _)| name == "step");
    let outputs: Vec<&Value> = outputs
        .map(|(_, step)| &step["observation"]["stdout"])
        .collect();
    assert!(outputs.contains(&&json!("6\n")), "{outputs:?}");
    let done = &events.last().unwrap().1;
    assert_eq!(
        (&done["state"], &done["answer"]),
        (&json!("answered"), &json!("It is 6."))
    );

    // Readers may come later, and go on where they were.
    let run = format!("/v1/runs/{}", done["id"].as_str().unwrap());
    let told = client.get(&run).expect(200).json();
    assert_eq!(&told, done);
    let after = (events.len() - 2).to_string();
    let late = client.send(
        "GET",
        &format!("{run}/events"),
        &[("last-event-id", &after)],
        b"",
    );
    let text = String::from_utf8(late.expect(200).body).unwrap();
    assert!(
        text.contains("event: done") && !text.contains("event: asked"),
        "{text}"
    );

    let used = client.get("/v1/tenant").expect(200).json();
    assert_eq!(
        (&used["used"]["agents"], &used["used"]["agents_begun"]),
        (&json!(0), &json!(1))
    );
    let admin = world.key_for("a", &[Scope::Admin]);
    let figures = world.client_with(&admin).get("/metrics").expect(200).body;
    let figures = String::from_utf8(figures).unwrap();
    assert!(
        figures.contains("memex_agent_runs_total{outcome=\"answered\"} 1"),
        "{figures}"
    );
}

#[test]
fn an_answer_meets_its_schema_and_what_makes_no_sense_is_refused() {
    let world = world(vec![agent("helper", vec![runs("submit(value=41 + 1)")])]);
    let mut client = world.client("a");
    let schema = json!({"task": "Say it.", "output": {"type": "integer"}});
    let run = start(&mut client, schema);
    let told = ended(&mut client, &run);
    assert_eq!(
        (&told["state"], &told["submission"]),
        (&json!("submitted"), &json!(42)),
        "{told}"
    );
    for (body, status, code) in [
        (json!({"task": " "}), 400, "invalid-request"),
        (json!({}), 400, "invalid-request"),
        (json!({"task": "x", "agent": "other"}), 404, "not-found"),
        (
            json!({"task": "x", "output": {"type": 7}}),
            400,
            "invalid-request",
        ),
        (
            json!({"task": "x", "inputs": {"class": 1}}),
            400,
            "invalid-request",
        ),
        (
            json!({"task": "x", "budgets": {"turns": -1}}),
            400,
            "invalid-request",
        ),
        (json!({"task": "x", "model": "y"}), 400, "invalid-request"),
    ] {
        client.post("/v1/runs", body).problem(status, code);
    }
}

/// A reply that runs for as long as nobody stops it.
fn endless() -> Vec<ScriptEntry> {
    vec![runs("while True: pass"), says("Never.")]
}

#[test]
fn a_run_is_cancelled_in_the_middle_of_a_block_and_frees_its_place() {
    let world = world(vec![agent("helper", endless())]);
    world
        .service
        .reconfigure(
            memex_server::config::Config::read("[tenants.a.quota]\nagents = 1")
                .unwrap()
                .tenants()
                .unwrap(),
        )
        .unwrap();
    let mut client = world.client("a");
    let run = start(&mut client, json!({"task": "Count."}));
    client
        .post("/v1/runs", json!({"task": "More."}))
        .problem(429, "quota-agents");
    client.delete(&run).problem(409, "running");
    client.post(&format!("{run}/cancel"), json!({})).expect(200);
    assert_eq!(ended(&mut client, &run)["state"], "cancelled");
    client.delete(&run).expect(204);
    client.get(&run).problem(404, "not-found");
    let used = client.get("/v1/tenant").expect(200).json();
    assert_eq!(used["used"]["agents"], 0);
}

#[test]
fn runs_are_their_tenants_alone_and_need_the_scope() {
    let world = world(vec![agent("helper", vec![says("Done.")])]);
    let mut client = world.client("a");
    let run = start(&mut client, json!({"task": "Do it."}));
    ended(&mut client, &run);
    let mut other = world.client("b");
    other.get(&run).problem(404, "not-found");
    other
        .get(&format!("{run}/events"))
        .problem(404, "not-found");
    other
        .post(&format!("{run}/cancel"), json!({}))
        .problem(404, "not-found");
    other.delete(&run).problem(404, "not-found");
    assert_eq!(other.get("/v1/runs").expect(200).json()["items"], json!([]));
    client.get(&run).expect(200);
    let files = world.key_for("a", &[Scope::Files]);
    let mut narrow = world.client_with(&files);
    narrow.get("/v1/agents").problem(403, "missing-scope");
    narrow
        .post("/v1/runs", json!({"task": "x"}))
        .problem(403, "missing-scope");
}

#[test]
fn the_code_of_an_agent_may_do_what_the_tenants_policy_permits_and_no_more() {
    let code = "try:\n    open('/tmp/x', 'w').write('x')\n    print('wrote')\nexcept OSError as e:\n    print('refused')";
    let replies = vec![runs(code), says("Done.")];
    let world = world(vec![agent("helper", replies)]);
    let mut client = world.client("a");
    let stdout = |client: &mut Client| {
        let key = client.key.clone();
        let events = world
            .client_with(&key)
            .events("/v1/runs", json!({"task": "Do it."}))
            .all();
        let text = serde_json::to_string(&events).unwrap();
        (text.contains("wrote\\n"), text.contains("refused\\n"))
    };
    assert_eq!(stdout(&mut client), (true, false), "the control");
    let narrow = world.folder.path().join("narrow.toml");
    std::fs::write(
        &narrow,
        "version = 1\nextends = 'compute'\n[scratch]\nenabled = false\n",
    )
    .unwrap();
    let text = format!("[tenants.a]\npolicy = '{}'", narrow.display());
    let config = memex_server::config::Config::read(&text).unwrap();
    world
        .service
        .reconfigure(config.tenants().unwrap())
        .unwrap();
    assert_eq!(stdout(&mut client), (false, true));
}

#[test]
fn a_run_of_an_earlier_server_is_told_from_its_record() {
    let first = world(vec![
        agent("helper", vec![says("Done.")]),
        agent("endless", endless()),
    ]);
    let key = first.key("a");
    let mut client = first.client_with(&key);
    let run = start(&mut client, json!({"task": "Do it.", "agent": "helper"}));
    ended(&mut client, &run);
    let cut = start(&mut client, json!({"task": "Count.", "agent": "endless"}));
    let second = World::on(first.stopped(), |_| {});
    let mut client = second.client_with(&key);
    let told = client.get(&run).expect(200).json();
    assert_eq!(
        (&told["state"], &told["answer"]),
        (&json!("answered"), &json!("Done."))
    );
    let told = client.get(&cut).expect(200).json();
    assert!(
        ["cancelled", "failed"].contains(&told["state"].as_str().unwrap()),
        "{told}"
    );
    client.delete(&run).expect(204);
    client.get(&run).problem(404, "not-found");
}

fn call(client: &mut Client, tool: &str, arguments: Value) -> Answer {
    let body = json!({"tool": tool, "arguments": arguments});
    client.post("/v1/memories/notes/tools", body)
}

#[test]
fn a_memory_is_written_by_its_agent_by_its_tools_and_by_files() {
    let replies = vec![
        says(
            "<think>I save it.</think>\n<python>create_file(\"user.md\", \"name: Ada\\n\")</python>",
        ),
        says("<think></think>\n<reply>I will remember.</reply>"),
    ];
    // Each question is a conversation of its own, which begins a script anew.
    let reading = vec![
        says("<python>print(read_file(\"user.md\"))</python>"),
        says("<reply>Ada.</reply>"),
    ];
    let world = world(vec![agent("keeper", replies), agent("reader", reading)]);
    let mut client = world.client("a");
    client
        .send("PUT", "/v1/memories/notes", &[], b"")
        .expect(201);
    client
        .send("PUT", "/v1/memories/notes", &[], b"")
        .expect(204);
    let ask = "/v1/memories/notes/ask";
    let told = client
        .post(ask, json!({"question": "I am Ada.", "agent": "keeper"}))
        .expect(200)
        .json();
    assert_eq!(
        (&told["reply"], &told["calls"]),
        (&json!("I will remember."), &json!(2))
    );
    let read = client
        .get("/v1/memories/notes/files?path=user.md")
        .expect(200);
    assert_eq!(read.body, b"name: Ada\n");
    let question = json!({"question": "Who am I?", "agent": "reader"});
    let events = world.client_with(&client.key).events(ask, question).all();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["asked", "runs", "result", "asked", "done"]);
    assert!(events[2].1["text"].as_str().unwrap().contains("name: Ada"));

    let tools = client.get("/v1/memories/notes/tools").expect(200).json();
    assert_eq!(tools["items"].as_array().unwrap().len(), 10);
    let read = call(&mut client, "read_file", json!({"file_path": "user.md"})).expect(200);
    assert!(read.json()["value"].as_str().unwrap().contains("name: Ada"));
    client
        .put("/v1/memories/notes/files?path=people/bob.md", b"# Bob\n")
        .expect(204);
    let listed = client.get("/v1/memories/notes/files").expect(200).json();
    assert_eq!(listed["items"], json!(["people/bob.md", "user.md"]));
    assert_eq!(
        client.get("/v1/memories").expect(200).json()["items"],
        json!(["notes"])
    );
    client.delete("/v1/memories/notes").expect(204);
    client
        .get("/v1/memories/notes/files")
        .problem(404, "not-found");
    client
        .delete("/v1/memories/notes")
        .problem(404, "not-found");
}

#[test]
fn no_path_leads_out_of_a_memory_and_no_tenant_sees_anothers() {
    let world = world(Vec::new());
    let mut client = world.client("a");
    client
        .send("PUT", "/v1/memories/notes", &[], b"")
        .expect(201);
    client
        .put("/v1/memories/notes/files?path=a.md", b"mine")
        .expect(204);
    std::fs::write(world.folder.path().join("outside.md"), "secret").unwrap();
    for path in [
        "../../../../outside.md",
        "../notes/a.md/../../x.md",
        "/etc/passwd",
        "a%00.md",
    ] {
        for method in ["GET", "PUT"] {
            let path = format!("/v1/memories/notes/files?path={path}");
            let answer = client.send(method, &path, &[], b"x");
            let what = String::from_utf8_lossy(&answer.body);
            assert!(
                [400, 404].contains(&answer.status),
                "{method} {path}: {}: {what}",
                answer.status
            );
            assert!(!what.contains("secret") && !what.contains("root:"));
        }
    }
    assert!(!world.folder.path().join("tenants/a/memories/x.md").exists());
    for name in ["..", ".", "%2e%2e%2fb", "A", "a_b", "-a", "%00"] {
        let answer = client.send("PUT", &format!("/v1/memories/{name}"), &[], b"");
        assert!(
            [400, 404].contains(&answer.status),
            "{name}: {}",
            answer.status
        );
    }
    let mut other = world.client("b");
    other
        .get("/v1/memories/notes/files?path=a.md")
        .problem(404, "not-found");
    call(&mut other, "read_file", json!({"file_path": "a.md"})).problem(404, "not-found");
    other.delete("/v1/memories/notes").problem(404, "not-found");
    call(&mut client, "no_such", json!({})).problem(404, "not-found");
    call(&mut client, "read_file", json!({"other": 1})).problem(400, "invalid-request");
    let none = json!({"question": "x"});
    client
        .post("/v1/memories/notes/ask", none)
        .problem(404, "not-found");
    let large = vec![b'x'; (1 << 20) + 1];
    client
        .put("/v1/memories/notes/files?path=large.md", &large)
        .problem(413, "too-large");
    client
        .put("/v1/memories/notes/files?path=large.md", &large[1..])
        .expect(204);
}
