//! Little that a guest says, and much that the host could make of it. The sizes
//! that are held are watched by `resident.rs`, beside this folder.

use memex_host_tools::{
    Answer, Arguments, Broker, CallContext, Tool, ToolFuture, ToolSpec, Toolbox,
};
use memex_policies::{Policy, ToolGrants};
use memex_runtime::{Sandbox, Session, SessionOptions, Status};
use memex_tests::{each, run, run_within, session_of, try_inspect, try_run};
use serde_json::json;
use std::sync::{Arc, OnceLock};

const MEMORY_BYTES: u64 = 640 << 20;
const TIME_MS: u64 = 600_000;

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        memex_tests::sandbox(|policy: &mut Policy| {
            policy.set_limit("memory_bytes", MEMORY_BYTES).unwrap();
            // This is about memory, also on a machine that has much else to do.
            policy.set_limit("guest_time_ms", TIME_MS).unwrap();
            policy.set_limit("wall_time_ms", TIME_MS).unwrap();
        })
    })
}

/// A session whose entry points answer the value of `answer`, and say so.
fn forged(answer: &str) -> Session {
    let mut session = session_of(sandbox());
    let outcome = run(
        &mut session,
        &format!(
            "import memex_guest.entry as e\ndef forged(payload):\n    import os\n    answer = {answer}\n    os.write(1, b'sent')\n    return answer\nfor f in (e.run, e.resume, e.cancel, e.inspect): f.__code__ = forged.__code__"
        ),
    );
    assert!(outcome.is_ok(), "{outcome:#?}");
    session
}

#[test]
fn a_forged_answer_costs_the_host_no_more_than_its_bounds() {
    each(
        [
            // 28 MB and 120 MB of the smallest values.
            r#"b'j{"status":"exit","exit_code":[' + b'0,' * 14_000_000 + b'0]}'"#,
            r#"b'j{"status":"exit","exit_code":[' + b'0,' * 60_000_000 + b'0]}'"#,
            r#"b'j{"status":"exit","exit_code":[' + b'[],' * 40_000_000 + b'0]}'"#,
            r#"b'j{"status":"exit","exit_code":{"":[' + b'{"":0},' * 17_000_000 + b'0]}}'"#,
            r#"b'j{"status":"ok","value":"' + b'x' * 120_000_000 + b'"}'"#,
            r#"b'j{"status":"exception","error":{"type":"E","message":"' + b'x' * 120_000_000 + b'","traceback":""}}'"#,
            r#"b'j{"status":"exception","error":{"type":"E","message":"","traceback":"' + b'\\u0001' * 20_000_000 + b'"}}'"#,
            r#"b'j{"status":"ok","unknown":[' + b'0,' * 60_000_000 + b'0]}'"#,
            r#"b'w{"timeout_s":[' + b'0,' * 60_000_000 + b'0]}'"#,
            "b'v' + b'x' * 200_000_000",
            // Each of these bytes is three in UTF-8.
            r"b'v' + b'\xff' * 200_000_000",
        ],
        |answer| {
            let mut session = forged(answer);
            let outcome = try_run(&mut session, "1 + 1").unwrap();
            assert_ne!(outcome.status, Status::Fault, "{answer}");
            assert_eq!(
                outcome.stdout.text, "sent",
                "{answer}: the attack did not run"
            );
            let _ = try_inspect(&mut session, r#"{"op":"names"}"#);
        },
    );
}

/// Guest code that makes frames, and a function that sends them.
const FRAMES: &str = "import _host, struct, json
def send(op, head, *parts):
    return _host.call(bytes([op]) + b''.join(struct.pack('<I', len(p)) + p for p in (head, *parts)))";

/// What the displays of a turn may make the process grow by, in guest and host:
/// six times the default of `display_bytes`.
const DISPLAYS_BYTES: u64 = 96 << 20;

#[test]
fn displays_of_many_empty_forms_are_bounded_by_what_they_take() {
    each(
        [
            // 88,000 empty forms under short names, in each of 48 displays.
            (
                "head = json.dumps({'data': {'%x' % i: '' for i in range(88_000)}}, separators=(',', ':')).encode()",
                "for _ in range(48): send(1, head)",
            ),
            (
                "head = json.dumps({'data': {}, 'binary': ['%x' % i for i in range(1024)]}).encode()",
                "for _ in range(64): send(1, head, *[b''] * 1024)",
            ),
            (
                "head = json.dumps({'data': {'a' * 1000: 'b' * 1_000_000}}).encode()",
                "for _ in range(64): send(1, head)",
            ),
        ],
        |(making, sending)| {
            let mut session = session_of(sandbox());
            run(&mut session, FRAMES);
            // What the guest itself needs is there before the displays are sent.
            run(&mut session, &format!("{making}\nbytes(1 << 24)"));
            let code = format!("{sending}\nprint('sent')");
            let outcome = run_within(&mut session, &code, DISPLAYS_BYTES);
            assert_eq!(outcome.stdout.text, "sent\n", "{outcome:#?}");
        },
    );
}

/// A tool that never answers.
struct Silent(ToolSpec);

impl Tool for Silent {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, arguments: Arguments) -> ToolFuture {
        Box::pin(async move {
            std::future::pending::<()>().await;
            Ok(Answer::json(arguments.json.into()))
        })
    }
}

#[test]
fn awaited_calls_are_bounded_by_what_their_arguments_take() {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let tool = Silent(ToolSpec {
        name: "silent".to_owned(),
        description: "Waits.".to_owned(),
        parameters: json!({"type": "object", "properties": {}}),
        returns: None,
        timeout: None,
    });
    let toolbox = Toolbox::builder().tool(Arc::new(tool)).build().unwrap();
    each(
        [
            // 100 calls of nearly 1 MB.
            "'{\"\":0}', 140_000",
            "'[]', 340_000",
            "'0', 500_000",
            "'\"\"', 340_000",
        ],
        |values| {
            let grants = ToolGrants {
                allow: vec!["silent".to_owned()],
                deny: Vec::new(),
            };
            let broker = Broker::builder(toolbox.clone(), grants, tokio.handle().clone()).build();
            let options = SessionOptions {
                calls: Some(Box::new(broker)),
                ..SessionOptions::default()
            };
            let mut session = sandbox().session(options).unwrap();
            run(&mut session, FRAMES);
            let outcome = run(
                &mut session,
                &format!(
                    "value, count = {values}\nhead = ('{{\"tool\":\"silent\",\"await\":true,\"arguments\":{{\"v\":[' + ','.join([value] * count) + ']}}}}').encode()\nreplies = [send(2, head) for _ in range(100)]\nprint(replies[0][5:].decode())"
                ),
            );
            assert_eq!(outcome.stdout.text, "{\"ticket\":1}\n", "{outcome:#?}");
        },
    );
}
