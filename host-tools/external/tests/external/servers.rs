//! MCP servers that are processes.

use std::sync::Arc;

use memex_external::{OutsideProgress, OutsideTools};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::support::{
    Folder, LONG, arguments, call, context, error, exists, host, is_running, named, until, value,
};

const SERVER: &str = include_str!("server.py");

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("server.py", SERVER);
    folder
}

fn declare(more: &str) -> String {
    format!(
        "[[mcp]]\nname='s'\nargv=['PYTHON','server.py']\ndeny=['wrong']\nstart_timeout_ms=60000\n{more}"
    )
}

async fn open(folder: &Folder, more: &str) -> OutsideTools {
    folder.open(&declare(more)).await.unwrap()
}

fn log(folder: &Folder) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path("log.jsonl")).unwrap_or_default();
    // The last line may be half written.
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn pids(folder: &Folder) -> Vec<String> {
    let lines = log(folder);
    let pids = lines.iter().filter_map(|line| line["pid"].as_u64());
    pids.map(|pid| pid.to_string()).collect()
}

#[tokio::test]
async fn every_tool_of_a_server_becomes_a_tool() {
    let folder = folder();
    let tools = open(
        &folder,
        "env=['ALLOWED']\nenv_secrets={KEY='PLAIN'}\ntimeout_ms=70000",
    )
    .await;
    assert_eq!(tools.tools().len(), 17);
    let echo = named(&tools, "s_echo").spec().clone();
    assert_eq!(
        echo.description,
        "Echo\n\nSays it again.\n\nHints: read-only, closed world."
    );
    assert_eq!(
        echo.parameters,
        json!({"type": "object", "properties": {"text": {"type": "string"}}})
    );
    assert_eq!(echo.returns, None);
    assert_eq!(echo.timeout.unwrap().as_secs(), 70);
    let env = named(&tools, "s_env").spec().clone();
    assert_eq!(env.description, "The key is [secret PLAIN]");
    assert_eq!(env.parameters["description"], "[secret PLAIN]");
    let typed = named(&tools, "s_typed").spec().clone();
    assert_eq!(
        typed.returns,
        Some(json!({"type": "object", "properties": {"n": {"type": "integer"}}}))
    );
    let wrapped = named(&tools, "s_wrapped").spec().clone();
    assert_eq!(
        wrapped.returns,
        Some(
            json!({"type": "array", "items": {"$ref": "#/$defs/N"}, "$defs": {"N": {"type": "integer"}}})
        )
    );
    for (name, expected) in [
        ("s_echo", json!("hi")),
        ("s_typed", json!({"n": 7})),
        ("s_untyped_json", json!({"n": 8})),
        ("s_typed_text", json!({"n": 8})),
        ("s_wrapped", json!([1, 2])),
        ("s_nothing", json!(null)),
        ("s_env", json!(["yes", null, "[secret PLAIN]"])),
    ] {
        let found = value(&tools, name, json!({"text": "hi"})).await;
        assert_eq!(found, expected, "{name}");
    }
    let media = call(&tools, "s_media", json!({})).await.unwrap();
    assert_eq!(
        media.json,
        json!([
            "see",
            {"type": "image", "mime_type": "image/png", "data": {"$part": 0}},
            {"type": "audio", "mime_type": "audio/wav", "data": {"$part": 1}},
            {"type": "resource", "uri": "file:///a", "mime_type": "text/plain", "text": "t"},
            {"type": "resource", "uri": "file:///b", "data": {"$part": 2}},
            {"type": "resource_link", "uri": "file:///c", "name": "c"},
        ])
    );
    assert_eq!(media.parts, [b"\0bytes", b"\0bytes", b"\0bytes"]);
    for (name, message) in [
        ("s_fails", "RuntimeError: s_fails: no such city: hi"),
        ("s_refuses", "RuntimeError: s_refuses: refused: hi"),
        (
            "s_reserved",
            "RuntimeError: s_reserved: the answer contains an object with the reserved key `$part`",
        ),
    ] {
        assert_eq!(error(&tools, name, json!({"text": "hi"})).await, message);
    }
    // One process answered all of it, secrets come back as names.
    assert_eq!(pids(&folder).len(), 1);
    assert_eq!(
        value(&tools, "s_echo", json!({"text": "plain-token"})).await,
        json!("[secret PLAIN]")
    );
}

#[tokio::test]
async fn what_a_server_asks_of_its_client_is_unsupported() {
    let folder = folder();
    let tools = open(&folder, "").await;
    assert_eq!(
        value(&tools, "s_asks", json!({})).await,
        json!([-32601, -32601, -32601])
    );
}

#[tokio::test]
async fn lists_choose_among_the_tools_and_progress_tells_of_it() {
    let folder = folder();
    let events: Arc<Mutex<Vec<OutsideProgress>>> = Arc::default();
    let told = events.clone();
    let host = host().progress(Arc::new(move |event| told.lock().push(event)));
    let text = "[[mcp]]\nname='s'\nargv=['PYTHON','server.py']\nprefix=''\nallow=['typed*','wrong','absent']\ndeny=['typed_text']";
    let tools = folder.parse(text).unwrap().open(&host).await.unwrap();
    let names: Vec<_> = tools
        .tools()
        .iter()
        .map(|tool| tool.spec().name.clone())
        .collect();
    assert_eq!(names, ["typed"]);
    let events = events.lock();
    let server = || "s".to_owned();
    let skipped = |tool: &str, reason: &str| OutsideProgress::Skipped {
        server: server(),
        tool: tool.to_owned(),
        reason: reason.to_owned(),
    };
    assert_eq!(events[0], OutsideProgress::Connecting { server: server() });
    assert_eq!(
        events[1],
        skipped(
            "wrong",
            "wrong schema of its input: at `/properties/a/type`: \"strng\" is no type; did you mean `string`?"
        )
    );
    assert_eq!(
        events[2],
        skipped(
            "absent",
            "`allow` or `deny` names it, but the server has no such tool"
        )
    );
    assert!(matches!(
        events[3],
        OutsideProgress::Connected { tools: 1, .. }
    ));
    assert_eq!(events.len(), 4);
}

#[tokio::test]
async fn a_server_that_does_not_start_is_an_error_at_start_up() {
    for (mark, more, reason) in [
        (
            "mute",
            "start_timeout_ms=400",
            "it was not ready within 400 ms",
        ),
        (
            "broken",
            "env_secrets={KEY='TOKEN'}",
            "; it wrote: cannot start: no licence [secret TOKEN]",
        ),
        ("endless", "", "its list of tools has more than 200 pages"),
        (
            "wordy",
            "",
            "its list of tools has more than 16777216 bytes",
        ),
        ("forging", "", "bad hint: run this  error: and that"),
    ] {
        let folder = folder();
        folder.write(mark, "");
        let text = format!("[[mcp]]\nname='s'\nargv=['PYTHON','server.py']\n{more}");
        let Err(error) = folder.open(&text).await else {
            panic!("{mark} was opened")
        };
        let error = error.to_string();
        assert!(error.contains("tools.toml: mcp `s`: "), "{error}");
        assert!(error.ends_with(reason), "{error}");
        for pid in pids(&folder) {
            until("the server is gone", || !exists(&pid)).await;
        }
    }
}

#[tokio::test]
async fn names_that_collide_are_an_error_at_start_up() {
    let folder = folder();
    let text = declare("prefix=''\nallow=['echo']");
    let text = format!("{text}\n[[command]]\nname='echo'\nargv=['cat']");
    let Err(error) = folder.open(&text).await else {
        panic!("it was opened")
    };
    assert!(
        error.to_string().ends_with(
            "two tools are called `echo`; give one server another `prefix`, or `deny` the tool"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_dies_is_started_again_by_the_next_call() {
    let folder = folder();
    let tools = open(&folder, "env_secrets={KEY='TOKEN'}").await;
    let failure = call(&tools, "s_dies", json!({})).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "ConnectionError: s_dies: the connection to the server `s` was lost"
    );
    assert_eq!(
        value(&tools, "s_echo", json!({"text": "again"})).await,
        json!("again")
    );
    assert_eq!(pids(&folder).len(), 2);
    until("the first server is gone", || !exists(&pids(&folder)[0])).await;
}

#[tokio::test]
async fn a_server_that_keeps_dying_is_left_alone_for_a_while() {
    let folder = folder();
    let tools = open(&folder, "").await;
    assert_eq!(
        call(&tools, "s_dies", json!({})).await.unwrap_err().class,
        "ConnectionError"
    );
    folder.write("broken", "");
    assert_eq!(
        error(&tools, "s_echo", json!({})).await,
        "ConnectionError: s_echo: the server `s` cannot be reached"
    );
    let messages = [
        error(&tools, "s_echo", json!({})).await,
        error(&tools, "s_echo", json!({})).await,
    ];
    for message in messages {
        let waits = message.starts_with(
            "ConnectionError: s_echo: the server `s` is not there; it is tried again in",
        );
        let tried = message == "ConnectionError: s_echo: the server `s` cannot be reached";
        assert!(waits || tried, "{message}");
    }
    std::fs::remove_file(folder.path("broken")).unwrap();
    let end = std::time::Instant::now() + LONG;
    while call(&tools, "s_echo", json!({})).await.is_err() {
        assert!(std::time::Instant::now() < end, "it is never tried again");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_message_that_never_ends_breaks_the_connection() {
    let folder = folder();
    let tools = open(&folder, "output_max_bytes=100000").await;
    let failure = call(&tools, "s_floods", json!({})).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "ConnectionError: s_floods: the connection to the server `s` was lost: a message was longer than 100000 bytes"
    );
    assert_eq!(
        value(&tools, "s_echo", json!({"text": "x"})).await,
        json!("x")
    );
    until("the first server is gone", || !exists(&pids(&folder)[0])).await;
}

/// The text `{"":0}` takes hundreds of bytes as a value.
#[tokio::test]
async fn what_a_server_answers_is_bounded_by_what_it_takes_as_values() {
    let folder = folder();
    let tools = open(&folder, "output_max_bytes=4000000").await;
    for (said, wanted) in [
        // The controls.
        ("structured 10000", "10000"),
        ("text 10000", "10000"),
        (
            "structured 200000",
            "the connection to the server `s` was lost: a message takes more than 134217728 bytes as values",
        ),
        (
            "text 200000",
            "bytes as values, of 134217728 allowed; the tool has to answer less at a time",
        ),
    ] {
        let found = call(&tools, "s_grows", json!({"text": said})).await;
        let found = match found {
            Ok(answer) => answer.json["v"].as_array().unwrap().len().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(found.ends_with(wanted), "{said}: {found}");
    }
}

#[tokio::test]
async fn calls_that_are_given_up_are_cancelled_at_the_server() {
    let folder = folder();
    let tools = open(&folder, "timeout_ms=2000").await;
    assert_eq!(
        error(&tools, "s_hangs", json!({})).await,
        "TimeoutError: s_hangs: no answer within 2000 ms"
    );
    let hung = |folder: &Folder, n: usize| {
        let lines = log(folder);
        let ids = lines.iter().filter_map(|line| line.get("hangs").cloned());
        ids.collect::<Vec<_>>().get(n).cloned()
    };
    let cancelled = |folder: &Folder, n: usize| match hung(folder, n) {
        Some(id) => log(folder).contains(&json!({"cancelled": id})),
        None => false,
    };
    until("the server knows of the timeout", || cancelled(&folder, 0)).await;
    let context = context();
    let calling = tokio::spawn(named(&tools, "s_hangs").call(context, arguments(json!({}))));
    until("the call has arrived", || hung(&folder, 1).is_some()).await;
    calling.abort();
    until("the server knows that nobody waits", || {
        cancelled(&folder, 1)
    })
    .await;
    assert_eq!(
        value(&tools, "s_echo", json!({"text": "x"})).await,
        json!("x")
    );
    assert_eq!(pids(&folder).len(), 1);
}

#[tokio::test]
async fn new_sessions_see_tools_that_came_later() {
    let folder = folder();
    let tools = open(&folder, "").await;
    let before = tools.tools().len();
    assert_eq!(value(&tools, "s_grow", json!({})).await, json!("grown"));
    until("the list is renewed", || tools.tools().len() == before + 1).await;
    assert_eq!(named(&tools, "s_late").spec().name, "s_late");
}

#[tokio::test]
async fn servers_end_with_their_tools() {
    for closed in [true, false] {
        let folder = folder();
        let tools = open(&folder, "").await;
        let pid = pids(&folder)[0].clone();
        assert!(is_running(&pid));
        let echo = named(&tools, "s_echo");
        if closed {
            tools.close().await;
            let failure = echo.call(context(), arguments(json!({}))).await;
            assert_eq!(
                failure.unwrap_err().to_string(),
                "ConnectionError: s_echo: the server `s` has been closed"
            );
        } else {
            drop(tools);
            let answer = echo
                .call(context(), arguments(json!({"text": "still"})))
                .await;
            assert_eq!(answer.unwrap().json, json!("still"));
            drop(echo);
        }
        until("the server is gone", || !exists(&pid)).await;
    }
}
