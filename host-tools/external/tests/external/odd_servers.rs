//! MCP servers whose tools and answers are a little off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use memex_external::{OutsideProgress, OutsideTools};
use memex_host_tools::Toolbox;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::support::{Folder, call, error, host, named, value};

const DECLARED: &str = "[[mcp]]\nname='s'\nargv=['PYTHON','server.py']\nprefix=''\nstart_timeout_ms=60000\ntimeout_ms=60000";

async fn open() -> (Folder, OutsideTools, Vec<(String, String)>) {
    let folder = Folder::new();
    folder.write("server.py", include_str!("odd_server.py"));
    let skipped: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let told = skipped.clone();
    let host = host().progress(Arc::new(move |event| {
        if let OutsideProgress::Skipped { tool, reason, .. } = event {
            told.lock().push((tool, reason));
        }
    }));
    let tools = folder.parse(DECLARED).unwrap().open(&host).await.unwrap();
    let skipped = skipped.lock().clone();
    (folder, tools, skipped)
}

#[tokio::test]
async fn one_odd_tool_never_takes_the_others_away() {
    let (_folder, tools, skipped) = open().await;
    let names: Vec<String> = tools
        .tools()
        .iter()
        .map(|tool| tool.spec().name.clone())
        .collect();
    assert_eq!(
        names,
        [
            "good",
            "null_words",
            "no_schema",
            "null_schema",
            "odd_description",
            "draft4",
            "tuple",
            "pattern",
            "examples",
            "dialect",
            "twice",
            "default",
            "second"
        ]
    );
    let of = |tool: &str| {
        let found = skipped.iter().find(|(name, _)| name == tool);
        found.map(|(_, reason)| reason.as_str()).unwrap_or_default()
    };
    assert!(
        of("tool 13 without a name").contains("white space"),
        "{skipped:?}"
    );
    assert!(of("列表").contains("ASCII letters"), "{skipped:?}");
    assert!(
        of("outside").contains("leads out of the schema"),
        "{skipped:?}"
    );
    assert!(
        of("its list of tools").contains("same page again"),
        "{skipped:?}"
    );
    assert_eq!(skipped.len(), 4, "{skipped:?}");
    // What is left can be called: every schema compiles.
    let toolbox = Toolbox::builder()
        .tools(tools.tools().into_iter())
        .build()
        .unwrap();
    toolbox.compile().unwrap();
    for (name, given) in [
        ("draft4", json!({"v": 1})),
        ("tuple", json!({"v": ["a", 1]})),
        ("pattern", json!({"v": "a-b.c"})),
        ("examples", json!({"v": "x"})),
        ("dialect", json!({"v": "x"})),
        ("default", json!({"text": "x"})),
    ] {
        assert_eq!(value(&tools, name, given.clone()).await, given, "{name}");
    }
    let default = named(&tools, "default");
    let property = &default.spec().parameters["properties"]["v"];
    assert_eq!(property, &json!({"enum": ["asc", "desc"]}));
}

#[tokio::test]
async fn answers_that_are_a_little_off_are_read_at_once() {
    let (_folder, tools, _) = open().await;
    let begun = Instant::now();
    for (kind, expected) in [
        ("nan", json!({"x": null})),
        ("half", json!("cut \u{fffd}")),
        ("text id", json!("there")),
        ("null", Value::Null),
        ("unknown", json!([{"type": "hologram", "x": 1}, "also"])),
        ("annotated", json!("hi")),
        ("json", json!([{"name": "a"}])),
        ("number", json!("12")),
    ] {
        let answer = value(&tools, "good", json!({"text": kind})).await;
        assert_eq!(answer, expected, "{kind}");
    }
    for kind in ["unpadded", "in lines"] {
        let answer = call(&tools, "good", json!({"text": kind})).await.unwrap();
        assert_eq!(answer.parts, [b"\x89PNG\r\n\x1a\n"], "{kind}");
    }
    for (kind, reason) in [
        ("no message", "the server's error has no message"),
        ("broken", "cannot be read: the answer is no JSON"),
        ("no result", "it has no result"),
    ] {
        let refused = error(&tools, "good", json!({"text": kind})).await;
        assert!(
            refused.contains("RuntimeError") && refused.contains(reason),
            "{kind}: {refused}"
        );
    }
    assert!(
        begun.elapsed() < Duration::from_secs(50),
        "{:?}",
        begun.elapsed()
    );
}
