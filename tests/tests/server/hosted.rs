//! Agents whose sessions are sandboxes of a server: they come to the same as in process.

use crate::world::{World, eventually};
use memex_agent::{
    Agent, AgentConfig, Backend, Cancellation, HostedServer, Input, OutputSchema, Reactor,
    RunRequest, RunResult,
};
use memex_host_tools::{Tool, ToolError, immediate};
use memex_models::{Script, ScriptEntry, ScriptedCall, ScriptedModel};
use memex_policies::Policy;
use memex_tests::sandbox;
use memex_trajectories::{Status, StepKind};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn says(text: &str) -> ScriptEntry {
    ScriptEntry {
        text: text.into(),
        ..ScriptEntry::default()
    }
}

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

#[derive(Deserialize, schemars::JsonSchema)]
struct Number {
    /// The number.
    number: f64,
}

/// Tools that count their calls.
fn tools(calls: &Arc<AtomicU64>) -> Vec<Arc<dyn Tool>> {
    let counted = Arc::clone(calls);
    vec![
        Arc::new(immediate(
            "double",
            "Twice a number.",
            move |_, given: Number| {
                counted.fetch_add(1, Ordering::SeqCst);
                Ok(given.number * 2.0)
            },
        )),
        Arc::new(immediate(
            "fail",
            "Fails.",
            |_, _: Number| -> Result<f64, ToolError> {
                Err(ToolError::new("LookupError", "fail: there is nothing"))
            },
        )),
    ]
}

fn grant(policy: &mut Policy) {
    policy.tools.allow = vec!["double".into(), "fail".into()];
}

/// An agent with this script, in this process or on the server.
fn agent(server: Option<HostedServer>, replies: &[ScriptEntry], calls: &Arc<AtomicU64>) -> Agent {
    let model = ScriptedModel::new("script", Script::new("test", replies.to_vec()));
    let place = sandbox(grant);
    let mut config = AgentConfig::default();
    // Spawned agents need a fork in the middle of a turn; without, both are told the same.
    config.agents.agents = 0;
    let reactor = Reactor::new().unwrap();
    let policy = Arc::clone(place.policy());
    let builder = match server {
        None => Agent::builder(config, Arc::new(model), &reactor).sandbox(place),
        Some(server) => {
            config.backend = Backend::Hosted;
            let builder = Agent::builder(config, Arc::new(model), &reactor);
            builder.policy(policy).server(server)
        }
    };
    builder.tools(tools(calls)).build().unwrap()
}

fn server(world: &World) -> HostedServer {
    HostedServer {
        url: format!("http://{}", world.address),
        key: world.key("a").into(),
    }
}

/// What the model was told, and what came of it.
fn told(result: &RunResult) -> (Vec<String>, Status, Option<String>, Option<Value>) {
    let steps = result.trajectory.steps.iter();
    let shown = steps.filter(|step| {
        matches!(
            step.kind,
            StepKind::System | StepKind::Observation | StepKind::Tool
        )
    });
    let texts = shown.map(|step| {
        let results = step.results.iter().map(|result| result.content.as_str());
        format!("{}{}", step.text, results.collect::<String>())
    });
    (
        texts.collect(),
        result.status.clone(),
        result.answer.clone(),
        result.submission.clone(),
    )
}

fn request(output: Option<Value>) -> RunRequest {
    RunRequest {
        inputs: vec![
            Input::value("data", json!([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])).unwrap(),
        ],
        output: output.map(|schema| OutputSchema::new(schema).unwrap()),
        ..RunRequest::new("Do it.")
    }
}

#[test]
fn a_script_comes_to_the_same_on_a_server_as_in_this_process() {
    let world = World::new();
    let replies = [
        runs("total = sum(row['a'] for row in data)\nprint('total', total)\ntotal + 1"),
        runs("doubled = double(number=total)\n[double(number=i) for i in range(3)] + [doubled]"),
        runs("try:\n    fail(number=1)\nexcept LookupError as e:\n    print('caught', e)\n1 / 0"),
        runs("import pandas as pd\nframe = pd.DataFrame(data)\nframe"),
        runs("def twice(x):\n    return double(number=x)\ntwice(8)"),
        runs("submit(value=total)\nnever = 1"),
    ];
    let schema = Some(json!({"type": "integer"}));
    let (here, there) = (Arc::default(), Arc::default());
    let in_process = agent(None, &replies, &here)
        .run(request(schema.clone()))
        .unwrap();
    let hosted = agent(Some(server(&world)), &replies, &there)
        .run(request(schema))
        .unwrap();
    let (expected, found) = (told(&in_process), told(&hosted));
    for (expected, found) in expected.0.iter().zip(&found.0) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
    assert_eq!(
        (&expected.1, &expected.3),
        (&Status::Submitted, &Some(json!(3)))
    );
    let (here, there) = (here.load(Ordering::SeqCst), there.load(Ordering::SeqCst));
    assert_eq!(
        (here, there),
        (5, 5),
        "each call ran once, where the agent is"
    );
    // The sandbox ends with the run.
    let mut client = world.client("a");
    eventually(|| client.get("/v1/sandboxes").expect(200).json()["items"] == json!([]));
}

#[test]
fn a_run_on_a_server_is_cancelled_in_the_middle_of_a_block() {
    let world = World::new();
    let replies = [runs("while True: pass"), says("Never.")];
    let agent = agent(Some(server(&world)), &replies, &Arc::default());
    let cancellation = Cancellation::new();
    let run = RunRequest {
        cancellation: cancellation.clone(),
        ..request(None)
    };
    let running = std::thread::spawn(move || agent.run(run).unwrap());
    let mut client = world.client("a");
    eventually(|| {
        let listed = client.get("/v1/sandboxes").expect(200).json();
        listed["items"][0]["state"] == "live"
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    cancellation.cancel();
    let result = running.join().unwrap();
    assert_eq!(result.status, Status::Cancelled);
}

#[test]
fn a_sandbox_that_is_gone_costs_the_scope_and_not_the_run() {
    let world = World::new();
    let client = std::sync::Mutex::new(world.client("a"));
    let replies = [
        runs("x = 1"),
        runs("kill(number=1)\nx"),
        runs("print('again', 'x' in globals())"),
        says("Done."),
    ];
    let model = ScriptedModel::new("script", Script::new("test", replies.to_vec()));
    let kill = immediate("kill", "Ends all sandboxes.", move |_, _: Number| {
        let mut client = client.lock().unwrap();
        let listed = client.get("/v1/sandboxes").expect(200).json();
        for one in listed["items"].as_array().unwrap() {
            let path = format!("/v1/sandboxes/{}", one["id"].as_str().unwrap());
            client.delete(&path);
        }
        Ok(0.0)
    });
    let place = sandbox(|policy: &mut Policy| policy.tools.allow = vec!["kill".into()]);
    let mut config = AgentConfig {
        backend: Backend::Hosted,
        ..AgentConfig::default()
    };
    config.agents.agents = 0;
    let agent = Agent::builder(config, Arc::new(model), &Reactor::new().unwrap())
        .policy(Arc::clone(place.policy()))
        .server(server(&world))
        .tools([Arc::new(kill) as Arc<dyn Tool>])
        .build()
        .unwrap();
    let result = agent.run(request(None)).unwrap();
    let shown = told(&result).0.join("\n");
    assert!(shown.contains("again False"), "{shown}");
    assert_eq!(result.answer.as_deref(), Some("Done."));
}

#[test]
fn a_server_that_refuses_the_key_ends_the_run_with_its_reason() {
    let world = World::new();
    for (url, key, said) in [
        (
            format!("http://{}", world.address),
            "memex_wrong",
            "the key is not valid",
        ),
        ("ftp://x".to_owned(), "k", "is no URL"),
    ] {
        let server = HostedServer {
            url,
            key: key.to_owned().into(),
        };
        let agent = agent(Some(server), &[says("Done.")], &Arc::default());
        let error = agent.run(request(None)).unwrap_err().to_string();
        assert!(
            error.contains(said) && !error.contains("memex_wrong"),
            "{error}"
        );
    }
}
