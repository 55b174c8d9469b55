//! Calls that run side by side.

use crate::support::{after, coder, reactor, runs, says, shown};
use crate::workers::{resolved, workers};
use memex_agent::{ActionSpace, Agent, Backend, RunRequest};
use memex_host_tools::{Tool, function};
use memex_models::{Script, ScriptEntry, ScriptedCall, ScriptedModel};
use memex_tests::cache;
use memex_trajectories::Status;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// A tool whose calls answer when all that are expected have come: only calls
/// that run side by side ever do.
fn meeting(expected: usize) -> Arc<dyn Tool> {
    let barrier = Arc::new(tokio::sync::Barrier::new(expected));
    Arc::new(function(
        "meet",
        "Waits for the others.",
        move |_, given: Numbered| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                Ok(given.number)
            }
        },
    ))
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Numbered {
    /// Which one.
    number: u64,
}

#[test]
fn awaited_calls_run_side_by_side_in_every_backend() {
    let code = "import asyncio\nprint(await asyncio.gather(*(meet.aio(n) for n in range(5))))\n\
        tasks = [asyncio.create_task(meet.aio(n)) for n in range(5)]\n\
        await asyncio.sleep(0)";
    let later = "print(sum([await task for task in tasks]))";
    for backend in [Backend::InProcess, Backend::Subprocess, Backend::Pool] {
        let mut config = coder();
        config.backend = backend;
        let replies = vec![
            runs(code),
            after("[0, 1, 2, 3, 4]", runs(later)),
            after("10", says("done")),
        ];
        let model = ScriptedModel::new("script", Script::new("test", replies));
        let grants = memex_tests::sandbox(|policy| policy.tools.allow = vec!["meet".into()]);
        let agent = Agent::builder(config, Arc::new(model), reactor())
            .sandbox(grants.clone())
            .workers(workers(), &resolved(grants.policy()), &cache())
            .unwrap()
            .tools([meeting(5)])
            .build()
            .unwrap();
        let result = agent.run(RunRequest::new("Do it.")).unwrap();
        assert_eq!(
            result.status,
            Status::Answered,
            "{backend:?}: {:?}",
            shown(&result)
        );
    }
}

#[test]
fn calls_of_one_reply_run_side_by_side_and_are_told_in_order() {
    let replies = vec![
        ScriptEntry {
            tool_calls: (0..8)
                .map(|number| ScriptedCall {
                    id: None,
                    name: if number == 3 { "nothing" } else { "meet" }.into(),
                    arguments: json!({ "number": number }),
                })
                .collect(),
            ..ScriptEntry::default()
        },
        says("done"),
    ];
    let mut config = coder();
    config.action_space = ActionSpace::Tools;
    let model = ScriptedModel::new("script", Script::new("test", replies));
    let grants = memex_tests::sandbox(|policy| policy.tools.allow = vec!["meet".into()]);
    let agent = Agent::builder(config, Arc::new(model), reactor())
        .sandbox(grants)
        .tools([meeting(7)])
        .build()
        .unwrap();
    let result = agent.run(RunRequest::new("Do it.")).unwrap();
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    let step = result
        .trajectory
        .steps
        .iter()
        .find(|step| step.results.len() == 8);
    let told: Vec<&str> = step
        .unwrap()
        .results
        .iter()
        .map(|result| result.content.as_str())
        .collect();
    assert_eq!(told[..3], ["0", "1", "2"]);
    assert!(told[3].contains("no tool called \"nothing\""), "{told:?}");
    assert_eq!(told[4..], ["4", "5", "6", "7"]);
}

#[test]
fn a_reply_of_too_many_calls_is_cut_short() {
    let replies = vec![
        ScriptEntry {
            tool_calls: (0..130)
                .map(|number| ScriptedCall {
                    id: None,
                    name: "double".into(),
                    arguments: json!({ "number": number }),
                })
                .collect(),
            ..ScriptEntry::default()
        },
        after("a reply may hold 128 calls", says("done")),
    ];
    let mut config = coder();
    config.action_space = ActionSpace::Tools;
    let result = crate::support::run(config, replies);
    assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
    let step = result
        .trajectory
        .steps
        .iter()
        .find(|step| step.results.len() == 130);
    let failed = step
        .unwrap()
        .results
        .iter()
        .filter(|result| result.is_error);
    assert_eq!(failed.count(), 2);
}

#[test]
fn long_texts_are_shown_like_short_ones_to_a_model_that_calls_tools() {
    // From a quarter of a megabyte on, texts cross the channel beside the JSON.
    for length in [1_000, 20_000, 300_000] {
        let tool: Arc<dyn Tool> = Arc::new(memex_host_tools::immediate(
            "page",
            "A page.",
            move |_, _: memex_host_tools::NoArguments| {
                Ok(format!("begin {} end", "x".repeat(length)))
            },
        ));
        let replies = vec![crate::support::calls("page", json!({})), says("done")];
        let mut config = coder();
        config.action_space = ActionSpace::Tools;
        let model = ScriptedModel::new("script", Script::new("test", replies));
        let grants = memex_tests::sandbox(|policy| policy.tools.allow = vec!["page".into()]);
        let agent = Agent::builder(config, Arc::new(model), reactor())
            .sandbox(grants)
            .tools([tool])
            .build()
            .unwrap();
        let result = agent.run(RunRequest::new("Read.")).unwrap();
        let mut results = result
            .trajectory
            .steps
            .iter()
            .flat_map(|step| &step.results);
        let text = &results.next().unwrap().content;
        assert!(
            text.starts_with("begin xxx") && text.ends_with("xxx end"),
            "{length}"
        );
        let size = text.chars().count();
        assert!(
            size == length + 10 || (11_900..12_200).contains(&size),
            "{size}"
        );
        assert_eq!(text.contains("left out"), length > 12_000);
    }
}
