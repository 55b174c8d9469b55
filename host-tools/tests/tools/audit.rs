//! Every call leaves a record, however it ends.

use crate::plain::Fixed;
use crate::support::{Session, all, runtime, toolbox};
use memex_channel::{HostCalls, OP_CALL};
use memex_host_tools::{
    AuditDetail, Broker, Budget, JsonLines, NoArguments, Tool, ToolError, function, immediate,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn session(path: &Path, detail: AuditDetail) -> (Arc<JsonLines>, Session) {
    let log = Arc::new(JsonLines::open(path, detail).unwrap());
    let fail = immediate("fail", "", |_, _: NoArguments| {
        Err::<(), _>(ToolError::new("LookupError", "nothing there").with_detail("no row 7"))
    });
    let panic = immediate("panic", "", |_, _: NoArguments| -> Result<(), ToolError> {
        panic!("a fault")
    });
    let hang = function("hang", "", |_, _: NoArguments| {
        std::future::pending::<Result<(), _>>()
    });
    let tools: Vec<Arc<dyn Tool>> = vec![
        Fixed::tool("one", json!(1), vec![vec![0; 10]]),
        Fixed::tool("large", json!("x".repeat(2_000)), vec![]),
        Fixed::later("later", json!(2)),
        Arc::new(fail),
        Arc::new(panic),
        Arc::new(hang),
    ];
    let runtime = runtime();
    let broker = Broker::builder(toolbox(tools), all(), runtime.handle().clone())
        .session("s-1")
        .budget(Budget {
            tool_time: Duration::from_millis(20),
            answer_bytes: 1_000,
            ..Budget::default()
        })
        .audit(log.clone())
        .build();
    (log, Session::around(broker, runtime))
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_end_of_a_call_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (log, mut session) = session(&path, AuditDetail::Digest);
    for tool in ["one", "fail", "panic", "hang", "large", "nothing"] {
        let _ = session.call(tool, json!({}));
    }
    session.frame(OP_CALL, b"{", &[]);
    session.frame(99, b"", &[]);
    session.start("later", json!({})).unwrap();
    session.take();
    session.start("hang", json!({})).unwrap();
    session.broker.roll_back();
    session.runtime.block_on(async {
        // The task tells its end after it was cancelled.
        while {
            log.flush();
            lines(&path).len()
        } < 10
        {
            tokio::task::yield_now().await;
        }
    });
    let told: Vec<String> = lines(&path)
        .iter()
        .map(|line| {
            assert_eq!(line["session"], "s-1");
            assert!(line["time_ms"].as_u64().unwrap() > 1_600_000_000_000);
            assert!(line["duration_us"].is_u64());
            let text = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {}",
                text("tool"),
                line["awaited"],
                text("outcome"),
                text("error"),
                text("detail")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "one false answered - -",
            "fail false failed LookupError no row 7",
            "panic false panicked RuntimeError panic: a fault",
            "hang false timed_out TimeoutError -",
            "large false answer_refused ValueError -",
            "nothing false refused NameError -",
            " false refused ValueError -",
            " false refused PermissionError -",
            "later true answered - -",
            "hang true cancelled InterruptedError -",
        ]
    );
}

#[test]
fn arguments_are_recorded_by_digest_or_content() {
    let folder = tempfile::tempdir().unwrap();
    let (digests, contents) = (folder.path().join("a"), folder.path().join("b"));
    for (path, detail) in [
        (&digests, AuditDetail::Digest),
        (&contents, AuditDetail::Content),
    ] {
        let (log, mut session) = session(path, detail);
        let part: &[u8] = b"xyz";
        for call in [
            json!({ "tool": "one", "arguments": { "a": [1, { "$part": 0 }] } }),
            json!({ "tool": "one", "arguments": { "a": 2 } }),
            json!({ "tool": "one", "arguments": { "a": "b".repeat(900) } }),
        ] {
            session.frame(OP_CALL, call.to_string().as_bytes(), &[part]);
        }
        drop(session);
        drop(log);
    }
    let digests = lines(&digests);
    let mut hasher = blake3::Hasher::new();
    hasher.update(br#"{"a":[1,{"$part":0}]}"#);
    hasher.update(&3_u64.to_le_bytes());
    hasher.update(b"xyz");
    assert_eq!(
        digests[0]["arguments_blake3"],
        hasher.finalize().to_hex().as_str()
    );
    assert_ne!(
        digests[0]["arguments_blake3"],
        digests[1]["arguments_blake3"]
    );
    assert!(digests.iter().all(|line| line.get("arguments").is_none()));
    assert_eq!(digests[0]["bytes_in"], 48 + 3);
    assert_eq!(digests[0]["bytes_out"], 12 + 10);
    let contents = lines(&contents);
    assert_eq!(
        contents[0]["arguments"],
        json!({ "a": [1, { "$part": 0 }] })
    );
    assert_eq!(contents[1]["arguments"], json!({ "a": 2 }));
}

#[test]
fn several_logs_append_to_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for _ in 0..2 {
        let (_log, mut session) = session(&path, AuditDetail::Digest);
        for _ in 0..500 {
            session.call("one", json!({})).unwrap();
        }
    }
    assert_eq!(lines(&path).len(), 1_000);
    let missing = folder.path().join("no/such/folder");
    let error = JsonLines::open(&missing, AuditDetail::Digest)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("the audit log "), "{error}");
}
