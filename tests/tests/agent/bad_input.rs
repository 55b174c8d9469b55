//! What models and their servers do wrong: the run goes on, or ends in a clear
//! state with its trajectory saved.

use crate::support::{after, agent, calls, coder, config, place, reactor, run, runs, says, tools};
use memex_agent::{ActionSpace, Agent, AgentConfig, CodeForm, RunRequest};
use memex_mock_server::{MockServer, MockServerOptions};
use memex_models::{Failure, ModelConfig, ScriptEntry, ScriptedCall, StopReason};
use memex_trajectories::{Status, load};
use serde_json::json;

fn stopped(stop: StopReason, mut entry: ScriptEntry) -> ScriptEntry {
    entry.stop = Some(stop);
    entry
}

fn two_calls(first: &str, second: &str) -> ScriptEntry {
    let call = |code: &str| ScriptedCall {
        id: None,
        name: "python".into(),
        arguments: json!({ "code": code }),
    };
    ScriptEntry {
        tool_calls: vec![call(first), call(second)],
        ..ScriptEntry::default()
    }
}

fn fenced() -> AgentConfig {
    config(ActionSpace::Code, CodeForm::Fenced)
}

fn tagged() -> AgentConfig {
    config(ActionSpace::Code, CodeForm::Tagged)
}

fn structured() -> AgentConfig {
    config(ActionSpace::Tools, CodeForm::Tool)
}

#[test]
fn the_run_goes_on() {
    let table: Vec<(&str, AgentConfig, Vec<ScriptEntry>)> = vec![
        (
            "two blocks",
            fenced(),
            vec![
                says("```python\na = 1\n```\nand then\n```python\na = 2\n```"),
                after(
                    "only the first of 2 blocks ran",
                    says("```python\nprint('a is', a)\n```"),
                ),
                after("a is 1", says("done")),
            ],
        ),
        (
            "two calls",
            coder(),
            vec![
                two_calls("a = 1", "a = 2"),
                after("not run: one block at a time", runs("print('a is', a)")),
                after("a is 1", says("done")),
            ],
        ),
        (
            "half a fence",
            fenced(),
            vec![
                says("```python\nprint('half"),
                after(
                    "not closed, so nothing ran",
                    says("```python\nprint('whole')\n```"),
                ),
                after("whole", says("done")),
            ],
        ),
        (
            "cut off in a fence",
            fenced(),
            vec![
                stopped(StopReason::MaxTokens, says("```python\nprint('half")),
                after("cut off inside a code block", says("done")),
            ],
        ),
        (
            "half a tag",
            tagged(),
            vec![
                says("I will <pyth"),
                after("not closed", says("<python>print('whole')</python>")),
                after("whole", says("done")),
            ],
        ),
        (
            "stopped in front of the closing tag",
            tagged(),
            vec![
                stopped(StopReason::StopSequence, says("<python>print('ran')")),
                after("ran", says("done")),
            ],
        ),
        (
            "a fence inside the tags",
            tagged(),
            vec![
                says("<python>\n```python\nprint('ran')\n```\n</python>"),
                after("ran", says("done")),
            ],
        ),
        (
            "another language",
            fenced(),
            vec![
                says("```bash\nls\n```\n```python\nprint('ran')\n```"),
                after("ran", says("done")),
            ],
        ),
        (
            "nothing",
            coder(),
            vec![says(""), after("no call of `python`", says("done"))],
        ),
        (
            "arguments that are no JSON",
            coder(),
            vec![
                calls("python", json!("{\"code\": \"print(1)")),
                after("the arguments are not JSON", says("done")),
            ],
        ),
        (
            "arguments of another shape",
            coder(),
            vec![
                calls("python", json!({ "source": "1" })),
                after("python takes one argument, `code`", says("done")),
            ],
        ),
        (
            "arguments that are a list",
            structured(),
            vec![
                calls("double", json!([1])),
                after("must be a JSON object, not a list", says("done")),
            ],
        ),
        (
            "an unknown tool in code space",
            coder(),
            vec![
                calls("browser", json!({})),
                after("there is no tool \"browser\" here", says("done")),
            ],
        ),
        (
            "an unknown tool",
            structured(),
            vec![
                calls("dubble", json!({})),
                after("did you mean double?", says("done")),
            ],
        ),
        (
            "arguments that break the schema",
            structured(),
            vec![
                calls("double", json!({ "number": "two" })),
                after("double: number: expected float, got str", says("done")),
            ],
        ),
        (
            "a tool that fails",
            structured(),
            vec![
                calls("fail", json!({ "number": 1 })),
                after("LookupError: fail: there is nothing", says("done")),
            ],
        ),
        (
            "a syntax error",
            coder(),
            vec![runs("def f(:"), after("SyntaxError", says("done"))],
        ),
        (
            "a cut off reply",
            structured(),
            vec![
                stopped(StopReason::MaxTokens, says("I think that")),
                after("cut off at its limit of tokens", says("done")),
            ],
        ),
        (
            "a paused reply",
            coder(),
            vec![stopped(StopReason::Pause, says("…")), says("done")],
        ),
    ];
    for (what, config, replies) in table {
        let result = run(config, replies);
        assert_eq!(
            result.status,
            Status::Answered,
            "{what}: {:?}",
            result.trajectory.steps
        );
        assert_eq!(result.answer.as_deref(), Some("done"), "{what}");
    }
}

#[test]
fn the_run_ends_in_a_clear_state() {
    let fails = |failure: Failure| ScriptEntry {
        fail: Some(failure),
        ..ScriptEntry::default()
    };
    let http = |status: u16| {
        fails(Failure::Http {
            status,
            code: None,
            message: Some("no".into()),
            retry_after_ms: None,
        })
    };
    let table: Vec<(&str, ScriptEntry, &str)> = vec![
        (
            "a refusal",
            stopped(StopReason::Refusal, says("I must not.")),
            "refused: I must not.",
        ),
        (
            "a filter",
            stopped(StopReason::ContentFilter, says("")),
            "held the reply back",
        ),
        ("429", http(429), "429"),
        ("500", http(500), "500"),
        ("a timeout", fails(Failure::Timeout), "took longer"),
        (
            "a cut stream",
            fails(Failure::Cut { after_pieces: 1 }),
            "cut off",
        ),
        (
            "nonsense",
            fails(Failure::Malformed { after_pieces: 1 }),
            "is not",
        ),
        ("no connection", fails(Failure::Disconnect), "no connection"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (number, (what, entry, reason)) in table.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.jsonl"));
        let result = agent(coder(), vec![runs("x = 1"), entry])
            .run(RunRequest {
                trajectory: Some(path.clone()),
                ..RunRequest::new("Do it.")
            })
            .unwrap();
        let Status::Failed { reason: told } = &result.status else {
            panic!("{what}: {:?}", result.status);
        };
        assert!(told.contains(reason), "{what}: {told}");
        let saved = load(&path).unwrap().trajectory;
        assert_eq!(saved.status, result.status, "{what}");
        assert!(saved.steps.len() >= 4, "{what}");
    }
}

#[test]
fn a_reply_is_bounded_in_all_that_is_kept_of_it() {
    let long = || "x".repeat(5 << 20);
    let thinks = |reasoning: String| ScriptEntry {
        reasoning,
        ..says("done")
    };
    let many = ScriptEntry {
        tool_calls: vec![ScriptedCall {
            id: Some(long()),
            name: "python".into(),
            arguments: json!({ "code": "1" }),
        }],
        ..ScriptEntry::default()
    };
    for entry in [says(&long()), runs(&long()), thinks(long()), many] {
        let result = run(coder(), vec![entry]);
        let Status::Failed { reason } = &result.status else {
            panic!("{:?}", result.status);
        };
        assert!(reason.contains("4194304 are taken"), "{reason}");
        let kept = serde_json::to_string(&result.trajectory.steps).unwrap();
        assert!(kept.len() < 1 << 20, "{}", kept.len());
    }
    let result = run(coder(), vec![thinks("x".repeat(3 << 20))]);
    assert_eq!(result.status, Status::Answered);
}

#[test]
fn a_model_that_does_nothing_is_given_up() {
    let result = run(coder(), (0..10).map(|_| says("")).collect());
    let Status::Failed { reason } = result.status else {
        panic!("{:?}", result.status);
    };
    assert!(reason.contains("4 replies in a row"), "{reason}");
}

#[test]
fn servers_that_fail_are_asked_again() {
    let retried = |failure: Failure| {
        let mut first = runs("never");
        first.fail = Some(failure);
        vec![first, runs("print('ran')"), after("ran", says("done"))]
    };
    let http = |status| Failure::Http {
        status,
        code: None,
        message: None,
        retry_after_ms: Some(1),
    };
    for failure in [
        http(429),
        http(500),
        http(503),
        Failure::Disconnect,
        Failure::Cut { after_pieces: 1 },
    ] {
        let told = format!("{failure:?}");
        let script = memex_models::Script::new("server", retried(failure));
        let options = MockServerOptions::default();
        let server = reactor().wait(MockServer::start(script, options)).unwrap();
        let line = format!("local:script@{}", server.base_url());
        let mut model = ModelConfig::parse(&line).unwrap();
        model.options.retry.base_ms = 1;
        let agent = Agent::builder(coder(), model.build(None).unwrap(), reactor())
            .sandbox(place().clone())
            .tools(tools())
            .build()
            .unwrap();
        let result = agent.run(RunRequest::new("Do it.")).unwrap();
        assert_eq!(
            result.answer.as_deref(),
            Some("done"),
            "{told}: {:?}",
            result.status
        );
    }
}
