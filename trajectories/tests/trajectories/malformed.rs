//! Files that break their rules: an error that names file, line and field,
//! and never a panic.

use std::io::Cursor;

use memex_trajectories::formats::chat::ChatOptions;
use memex_trajectories::formats::{atif, chat, open, rollout};
use memex_trajectories::{Error, Trajectory, TrajectoryReader};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::samples::{any_value, code_run, tools_run};

/// The line and field that an error names.
fn place_of<T: std::fmt::Debug>(result: Result<T, Error>) -> (Option<usize>, String) {
    match result {
        Err(Error::Malformed(malformed)) => {
            assert!(malformed.to_string().starts_with("file"), "{malformed}");
            (malformed.line, malformed.field)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn native_errors_name_line_and_field() {
    let header = r#"{"type":"trajectory","version":1,"id":"r","task":"t","agent":{"name":"a","version":"1"},"started":"2026-01-01T00:00:00Z"}"#;
    let read = |text: String| {
        TrajectoryReader::new(Cursor::new(text), "file").and_then(TrajectoryReader::collect_all)
    };
    for (line, field) in [
        (r#"{"type":"step","index":0,"kind":"thought"}"#, "kind"),
        (
            r#"{"type":"step","index":0,"kind":"model","tool_calls":[{"id":"c","name":3}]}"#,
            "tool_calls[0].name",
        ),
        (
            r#"{"type":"step","index":0,"kind":"model","surprise":1}"#,
            "surprise",
        ),
        (r#"{"type":"step","index":3,"kind":"model"}"#, "index"),
        (r#"{"type":"step","kind":"model"}"#, ""),
        (
            r#"{"type":"end","status":{"state":"lost"}}"#,
            "status.state",
        ),
        (
            r#"{"type":"step","index":0,"kind":"user","at":"yesterday"}"#,
            "at",
        ),
        (r#"{"type":"beginning"}"#, "type"),
        (r#"{"index":0}"#, "type"),
        (r#"{"type":"step","index":0"#, ""),
        ("[]", ""),
    ] {
        assert_eq!(
            place_of(read(format!("{header}\n{line}\n"))),
            (Some(2), field.into()),
            "{line}"
        );
    }
    for (line, field) in [
        ("", ""),
        ("{}", "type"),
        (r#"{"type":"trajectory"}"#, "version"),
    ] {
        assert_eq!(
            place_of(read(line.to_owned())),
            (Some(1), field.into()),
            "{line}"
        );
    }
    let newer = header.replace("\"version\":1,\"id\"", "\"version\":2,\"id\"");
    assert!(matches!(
        read(newer),
        Err(Error::Version {
            found: 2,
            supported: 1,
            ..
        })
    ));
}

#[test]
fn atif_errors_name_the_field() {
    let good = json!({
        "schema_version": "ATIF-v1.7",
        "agent": { "name": "a", "version": "1" },
        "steps": [
            { "step_id": 1, "source": "user", "message": "hi" },
            { "step_id": 2, "source": "agent", "message": "",
              "tool_calls": [{ "tool_call_id": "c", "function_name": "f", "arguments": {} }],
              "observation": { "results": [{ "source_call_id": "c", "content": "x" }] },
              "metrics": { "prompt_tokens": 1 } },
        ],
        "subagent_trajectories": [
            { "schema_version": "ATIF-v1.7", "trajectory_id": "s", "agent": { "name": "a", "version": "1" },
              "steps": [{ "step_id": 1, "source": "user", "message": "hi" }] },
        ],
    });
    let parse = |document: &Value| atif::parse(document.to_string().as_bytes(), "file", None);
    parse(&good).unwrap();
    let image = |media_type: &str| json!([{ "type": "image", "source": { "media_type": media_type, "path": "p" } }]);
    for (at, value, field) in [
        ("/schema_version", json!("ATIF-v2.0"), "schema_version"),
        ("/schema_version", json!("ATIF-v1.6"), "session_id"),
        ("/agent/version", json!(null), "agent.version"),
        ("/agent/surprise", json!(1), "agent.surprise"),
        ("/steps", json!([]), "steps"),
        ("/steps/0/step_id", json!(2), "steps[0].step_id"),
        ("/steps/1/source", json!("robot"), "steps[1].source"),
        ("/steps/0/timestamp", json!("noon"), "steps[0].timestamp"),
        ("/steps/0/metrics", json!({}), "steps[0].metrics"),
        ("/steps/0/message", json!(3), "steps[0].message"),
        (
            "/steps/0/message",
            json!([{ "type": "text" }]),
            "steps[0].message[0].text",
        ),
        (
            "/steps/0/message",
            image("image/bmp"),
            "steps[0].message[0].source.media_type",
        ),
        (
            "/steps/0/message",
            json!([{ "type": "video" }]),
            "steps[0].message[0].type",
        ),
        (
            "/steps/1/tool_calls/0/arguments",
            json!("ls"),
            "steps[1].tool_calls[0].arguments",
        ),
        (
            "/steps/1/observation/results/0/source_call_id",
            json!("d"),
            "steps[1].observation.results[0].source_call_id",
        ),
        (
            "/steps/1/observation/results/0/subagent_trajectory_ref",
            json!([{}]),
            "steps[1].observation.results[0].subagent_trajectory_ref[0]",
        ),
        (
            "/steps/1/metrics/prompt_tokens",
            json!(1.5),
            "steps[1].metrics.prompt_tokens",
        ),
        ("/steps/1/llm_call_count", json!(0), "steps[1].metrics"),
        (
            "/steps/1/extra",
            json!({ "memex": { "step": { "index": -1 } } }),
            "steps[1].extra.memex.step.index",
        ),
        (
            "/subagent_trajectories/0/trajectory_id",
            json!(null),
            "subagent_trajectories[0].trajectory_id",
        ),
        (
            "/subagent_trajectories/0/steps/0/source",
            json!("agents"),
            "subagent_trajectories[0].steps[0].source",
        ),
    ] {
        let mut bad = good.clone();
        let (parent, key) = at.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[key] = value.clone();
        assert_eq!(place_of(parse(&bad)).1, field, "{at} = {value}");
    }
    let cut = serde_json::to_string_pretty(&good).unwrap();
    let cut: String = cut.lines().take(7).collect::<Vec<_>>().join("\n");
    assert_eq!(
        place_of(atif::parse(cut.as_bytes(), "file", None)).0,
        Some(7)
    );
}

#[test]
fn chat_errors_name_line_and_field() {
    for (message, field) in [
        (
            json!({ "role": "robot", "content": "" }),
            "messages[1].role",
        ),
        (json!({ "content": "" }), "messages[1]"),
        (
            json!({ "role": "tool", "content": "" }),
            "messages[1].tool_call_id",
        ),
        (
            json!({ "role": "user", "content": "", "tool_calls": [] }),
            "messages[1].tool_calls",
        ),
        (
            json!({ "role": "user", "content": 3 }),
            "messages[1].content",
        ),
        (
            json!({ "role": "assistant", "tool_calls": [{ "id": "c", "function": { "name": "f" } }] }),
            "messages[1].tool_calls[0].function",
        ),
    ] {
        let messages = json!([{ "role": "user", "content": "hi" }, message]);
        let text = json!({ "messages": messages }).to_string();
        assert_eq!(
            place_of(chat::parse(text.as_bytes(), "file", Some(9))),
            (Some(9), field.into()),
            "{message}"
        );
        let text = json!({ "context_messages": messages }).to_string();
        let field = format!("context_{field}");
        assert_eq!(
            place_of(rollout::parse(text.as_bytes(), "file", Some(9))),
            (Some(9), field),
            "{message}"
        );
    }
}

#[test]
fn one_bad_line_of_many_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.jsonl");
    let good = chat::to_line(&tools_run(), ChatOptions::default()).unwrap();
    std::fs::write(
        &path,
        format!("{good}\n\n{good}\n{{\"messages\": 1}}\n{good}\n"),
    )
    .unwrap();
    let runs: Vec<_> = open(&path).unwrap().collect();
    assert_eq!(runs.len(), 3, "reading ends at the fault");
    assert!(
        runs[2]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("runs.jsonl, line 4, field messages")
    );
}

fn try_all(bytes: &[u8]) {
    let native =
        TrajectoryReader::new(Cursor::new(bytes), "file").and_then(TrajectoryReader::collect_all);
    let results = [
        native.map(|loaded| loaded.trajectory),
        atif::parse(bytes, "file", None),
        chat::parse(bytes, "file", Some(1)),
        rollout::parse(bytes, "file", None),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        assert!(error.to_string().starts_with("file"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        try_all(&bytes);
    }

    #[test]
    fn any_json_is_read_or_refused(value in any_value()) {
        try_all(value.to_string().as_bytes());
        try_all(json!({ "messages": [value], "context_messages": [{ "role": "user" }, value] }).to_string().as_bytes());
    }

    #[test]
    fn damaged_documents_are_read_or_refused(
        (which, at, byte) in (0..3_usize, any::<prop::sample::Index>(), any::<u8>()),
        is_cut in any::<bool>(),
    ) {
        let text = match which {
            0 => atif::to_document(&code_run()).unwrap(),
            1 => chat::to_line(&code_run(), ChatOptions::default()).unwrap(),
            _ => {
                let mut bytes = Vec::new();
                memex_trajectories::formats::write(memex_trajectories::formats::Format::Native, &[code_run()], "file", &mut bytes).unwrap();
                String::from_utf8(bytes).unwrap()
            }
        };
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        if is_cut { bytes.truncate(at) } else { bytes[at] = byte }
        try_all(&bytes);
    }
}

#[test]
fn a_line_is_bounded_by_what_it_takes_as_values() {
    let header = r#"{"type":"trajectory","version":1,"id":"r","task":"t","agent":{"name":"a","version":"1"},"started":"2026-01-01T00:00:00Z"}"#;
    let read = |noted: &str| {
        let step =
            format!(r#"{{"type":"step","index":0,"kind":"user","metadata":{{"a":{noted}}}}}"#);
        let end = r#"{"type":"end","status":{"state":"answered"}}"#;
        let text = format!("{header}\n{step}\n{end}\n");
        TrajectoryReader::new(Cursor::new(text), "file").and_then(TrajectoryReader::collect_all)
    };
    // Six megabytes; as values, most of a gigabyte.
    let hostile = format!("[{}]", vec![r#"{"":0}"#; 900_000].join(","));
    let refused = read(&hostile).unwrap_err().to_string();
    assert!(refused.contains("as values"), "{refused}");
    let text = json!("x".repeat(hostile.len())).to_string();
    assert_eq!(read(&text).unwrap().trajectory.steps.len(), 1);
}

#[test]
fn a_document_is_bounded_by_what_it_takes_as_values() {
    // Six megabytes; as values, most of a gigabyte.
    let hostile = format!("[{}]", vec![r#"{"":0}"#; 900_000].join(","));
    let atif = |noted: &str| {
        let text = format!(
            r#"{{"schema_version":"ATIF-v1.7","agent":{{"name":"a","version":"1"}},"extra":{{"a":{noted}}},
               "steps":[{{"step_id":1,"source":"user","message":"hi"}}]}}"#
        );
        atif::parse(text.as_bytes(), "file", None)
    };
    let chat = |noted: &str| {
        let text = format!(r#"{{"messages":[{{"role":"user"}}],"tools":[{{"a":{noted}}}]}}"#);
        chat::parse(text.as_bytes(), "file", Some(1))
    };
    let rollout = |noted: &str| {
        let text = format!(r#"{{"context_messages":[{{"role":"user"}}],"label":{noted}}}"#);
        rollout::parse(text.as_bytes(), "file", Some(1))
    };
    // Arguments are a text within the text, of which values are made.
    let arguments = |noted: &str| {
        let call = json!({ "id": "c", "function": { "name": "f", "arguments": format!("{{\"a\":{noted}}}") } });
        let text = json!({ "messages": [{ "role": "assistant", "tool_calls": [call] }] });
        chat::parse(text.to_string().as_bytes(), "file", Some(1))
    };
    let text = json!("x".repeat(hostile.len())).to_string();
    type Reader<'a> = &'a dyn Fn(&str) -> Result<Trajectory, Error>;
    let readers: [Reader<'_>; 4] = [&atif, &chat, &rollout, &arguments];
    for (number, read) in readers.into_iter().enumerate() {
        let refused = read(&hostile).unwrap_err().to_string();
        assert!(refused.contains("as values"), "{number}: {refused}");
        assert_eq!(read(&text).unwrap().steps.len(), 1, "{number}");
    }
}

#[test]
fn a_run_that_is_read_whole_is_bounded_by_what_its_lines_take_together() {
    let header = r#"{"type":"trajectory","version":1,"id":"r","task":"t","agent":{"name":"a","version":"1"},"started":"2026-01-01T00:00:00Z"}"#;
    // Each line is well within its own bound.
    let noted = vec!["{}"; 300_000].join(",");
    let lines = |count: u32| {
        let mut text = format!("{header}\n");
        for index in 0..count {
            text += &format!(
                r#"{{"type":"step","index":{index},"kind":"user","metadata":{{"a":[{noted}]}}}}"#
            );
            text.push('\n');
        }
        TrajectoryReader::new(Cursor::new(text), "file").unwrap()
    };
    assert_eq!(lines(3).collect_all().unwrap().trajectory.steps.len(), 3);
    let refused = lines(6).collect_all().unwrap_err().to_string();
    assert!(refused.contains("as values"), "{refused}");
    // One after the other they are read of any number.
    assert_eq!(lines(6).filter(Result::is_ok).count(), 6);
}

#[test]
fn endless_nesting_is_refused() {
    for open in ["[", "{\"a\":", "{\"messages\":["] {
        try_all(open.repeat(200_000).as_bytes());
    }
}
