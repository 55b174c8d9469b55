//! To other formats and back.

use std::path::Path;

use memex_trajectories::formats::chat::ChatOptions;
use memex_trajectories::formats::rollout::RolloutExtent;
use memex_trajectories::formats::{Format, atif, chat, detect, open, rollout, write};
use memex_trajectories::{Error, Status, StepKind, Trajectory};
use proptest::prelude::*;
use serde_json::json;

use crate::samples::{any_run, code_run, tools_run};

fn written(format: Format, runs: &[Trajectory], path: &Path) {
    let mut bytes = Vec::new();
    write(format, runs, "out", &mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_code_run_as_atif() {
    insta::assert_snapshot!(atif::to_document(&code_run()).unwrap());
}

#[test]
fn a_run_as_chat() {
    insta::assert_snapshot!(chat::to_line(&code_run(), ChatOptions { reasoning: true }).unwrap());
    insta::assert_snapshot!(chat::to_line(&tools_run(), ChatOptions::default()).unwrap());
}

#[test]
fn a_block_that_came_by_a_call_is_a_call_in_a_conversation() {
    let mut run = code_run();
    run.children.clear();
    for step in run.steps.iter_mut().filter(|step| step.code.is_some()) {
        step.metadata.insert("call_id".into(), json!("call_7"));
    }
    let line = chat::to_line(&run, ChatOptions::default()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    let messages = &value["messages"];
    assert_eq!(messages[2]["content"], "Let me look.");
    let call = &messages[2]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "python");
    let arguments = json!({ "code": "print(len(table))" }).to_string();
    assert_eq!(call["function"]["arguments"], arguments);
    assert_eq!(messages[3]["role"], "tool");
    assert_eq!(messages[3]["tool_call_id"], "call_7");
    assert_eq!(value["tools"][0]["function"]["name"], "python");
    // What is read of it is written alike.
    let read = chat::parse(line.as_bytes(), "chat", Some(1)).unwrap();
    assert_eq!(chat::to_line(&read, ChatOptions::default()).unwrap(), line);
}

#[test]
fn a_run_as_rollout() {
    let label = json!("42 rows");
    insta::assert_snapshot!(rollout::to_line(&code_run(), None, RolloutExtent::Whole).unwrap());
    insta::assert_snapshot!(
        rollout::to_line(&code_run(), Some(&label), RolloutExtent::Prompt).unwrap()
    );
}

#[test]
fn formats_are_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let both = [code_run(), tools_run()];
    for (format, runs) in [
        (Format::Native, &both[..1]),
        (Format::Atif, &both[..1]),
        (Format::Atif, &both[..]),
        (Format::Chat, &both[..]),
        (Format::Rollout, &both[..]),
    ] {
        written(format, runs, &path);
        assert_eq!(detect(&path).unwrap(), format);
        let read: Result<Vec<_>, _> = open(&path).unwrap().collect();
        let read: Vec<Trajectory> = read
            .unwrap()
            .into_iter()
            .map(|loaded| loaded.trajectory)
            .collect();
        // A spawned agent's conversation is a line of its own, behind its parent's.
        let spawned: usize = match format {
            Format::Chat => runs.iter().map(|run| run.children.len()).sum(),
            _ => 0,
        };
        assert_eq!(read.len(), runs.len() + spawned, "{format:?}");
        if matches!(format, Format::Native | Format::Atif) {
            assert_eq!(read, runs, "{format:?}");
        }
        for run in runs {
            assert!(read.iter().any(|read| read.task == run.task), "{format:?}");
        }
    }
    assert!(matches!(
        write(Format::Native, &both, "out", &mut Vec::new()),
        Err(Error::Malformed(_))
    ));
    for unknown in [
        "",
        "\n \n",
        "{}",
        "[1",
        "hello",
        "{\"a\": 1}\n{\"b\": 2}",
        "\u{feff}",
    ] {
        std::fs::write(&path, unknown).unwrap();
        let found = open(&path).and_then(|runs| runs.collect::<Result<Vec<_>, _>>());
        assert!(
            matches!(
                found,
                Err(Error::UnknownFormat { .. } | Error::Malformed(_))
            ),
            "{unknown:?}: {found:?}"
        );
    }
}

#[test]
fn a_conversation_comes_back() {
    let line = chat::to_line(&tools_run(), ChatOptions::default()).unwrap();
    let read = chat::parse(line.as_bytes(), "chat", Some(1)).unwrap();
    assert_eq!(read.steps[1].tool_calls, tools_run().steps[1].tool_calls);
    assert_eq!(read.steps[2].kind, StepKind::Tool);
    assert_eq!(
        read.steps[2].results[0].name, "query",
        "named after its call"
    );
    assert_eq!(chat::to_line(&read, ChatOptions::default()).unwrap(), line);
    let list = br#"[{"role": "user", "content": [{"type": "text", "text": "hi"}]}, {"role": "assistant", "content": "ho"}]"#;
    let read = chat::parse(list, "chat", None).unwrap();
    assert_eq!(
        (read.task.as_str(), read.answer.as_deref()),
        ("hi", Some("ho"))
    );
}

#[test]
fn a_rollout_keeps_its_label() {
    let line = rollout::to_line(&code_run(), None, RolloutExtent::Whole).unwrap();
    let read = rollout::parse(line.as_bytes(), "rollout", Some(1)).unwrap();
    assert_eq!(read.metadata["label"], json!("42"));
    let unlabelled = rollout::to_line(&tools_run(), None, RolloutExtent::Whole).unwrap();
    assert!(
        unlabelled.ends_with("\"label\":null}"),
        "an answer is no label"
    );
}

/// A document as another program writes it.
const FOREIGN: &str = r#"{
  "schema_version": "ATIF-v1.7", "session_id": "s", "trajectory_id": "main",
  "agent": {"name": "other", "version": "2", "model_name": "m", "extra": {"x": 1}},
  "notes": "noted",
  "steps": [
    {"step_id": 1, "source": "user", "message": "What time is it?", "timestamp": "2026-01-01T00:00:00Z"},
    {"step_id": 2, "source": "agent", "message": "Let me see.", "reasoning_effort": 3,
     "tool_calls": [{"tool_call_id": "c1", "function_name": "now", "arguments": {"zone": "UTC"}}],
     "observation": {"results": [
        {"source_call_id": "c1", "content": "noon"},
        {"content": [{"type": "text", "text": "see"}, {"type": "image", "source": {"media_type": "image/png", "path": "images/1.png"}}],
         "subagent_trajectory_ref": [{"trajectory_id": "sub"}]}]},
     "metrics": {"prompt_tokens": 7, "completion_tokens": 2, "cost_usd": 0.5, "logprobs": [-0.5]}},
    {"step_id": 3, "source": "agent", "message": "Noon.", "timestamp": "2026-01-01T00:00:09", "extra": {"kept": true}}
  ],
  "final_metrics": {"total_prompt_tokens": 70},
  "subagent_trajectories": [
    {"schema_version": "ATIF-v1.7", "trajectory_id": "sub", "agent": {"name": "clock", "version": "1"},
     "steps": [{"step_id": 1, "source": "user", "message": "tick"}]}]
}"#;

#[test]
fn a_foreign_document_becomes_a_run() {
    let run = atif::parse(FOREIGN.as_bytes(), "foreign", None).unwrap();
    assert_eq!(
        (run.id.as_str(), run.task.as_str()),
        ("main", "What time is it?")
    );
    let kinds: Vec<StepKind> = run.steps.iter().map(|step| step.kind).collect();
    use StepKind::{Model, Observation, Tool, User};
    assert_eq!(kinds, [User, Model, Tool, Observation, Model]);
    assert_eq!(run.steps[2].results[0].name, "now");
    assert_eq!(
        run.steps[3].observation.as_ref().unwrap().displays[0].data,
        "images/1.png"
    );
    assert_eq!(
        run.steps[1].metadata["metrics"],
        json!({ "logprobs": [-0.5] })
    );
    assert_eq!(run.steps[4].metadata["kept"], json!(true));
    assert_eq!(
        (run.status.clone(), run.answer.as_deref()),
        (Status::Answered, Some("Noon."))
    );
    assert_eq!((run.totals.input_tokens, run.totals.output_tokens), (70, 2));
    assert_eq!(
        (run.totals.wall_ms, run.totals.turns, run.totals.tool_calls),
        (9_000, 2, 1)
    );
    assert_eq!(run.children.len(), 1);
    assert_eq!(run.children[0].trajectory.as_ref().unwrap().task, "tick");
    assert_eq!(run.metadata["notes"], json!("noted"));
    let again = atif::parse(atif::to_document(&run).unwrap().as_bytes(), "again", None).unwrap();
    assert_eq!(again, run);
}

#[test]
fn twins_among_children_are_refused() {
    let mut run = code_run();
    run.children.push(run.children[0].clone());
    assert!(matches!(
        atif::to_document(&run),
        Err(Error::DuplicateChild { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn atif_gives_back_what_it_got(run in any_run()) {
        let document = atif::to_document(&run).unwrap();
        prop_assert_eq!(&atif::parse(document.as_bytes(), "document", None).unwrap(), &run);
        let line = atif::to_line(&run).unwrap();
        prop_assert_eq!(&atif::parse(line.as_bytes(), "line", Some(1)).unwrap(), &run);
    }

    #[test]
    fn a_conversation_is_stable(run in any_run()) {
        let line = chat::to_line(&run, ChatOptions { reasoning: true }).unwrap();
        let read = chat::parse(line.as_bytes(), "chat", Some(1)).unwrap();
        prop_assert_eq!(chat::to_line(&read, ChatOptions { reasoning: true }).unwrap(), line);
    }
}
