//! Long texts, which cross the channel as bytes.

use crate::plain::Fixed;
use crate::support::{Session, echo, head};
use memex_channel::OP_CALL;
use memex_host_tools::Budget;
use serde_json::{Value, json};

fn call(
    session: &mut Session,
    arguments: Value,
    text: usize,
    parts: &[&[u8]],
) -> Result<Value, String> {
    let head = json!({ "tool": "echo", "arguments": arguments, "text": text }).to_string();
    crate::support::head(&session.frame(OP_CALL, head.as_bytes(), parts))
}

#[test]
fn long_texts_cross_as_bytes() {
    let mut session = Session::new(vec![echo("echo", json!({}), None)]);
    let arguments = json!({ "a": { "$text": 3 }, "b": [{ "$text": 2 }, 1, { "$text": 0 }] });
    let echoed = call(&mut session, arguments, 0, &["abc\u{e5}".as_bytes()]).unwrap();
    let expected = json!({ "a": "abc", "b": ["\u{e5}", 1, ""] });
    assert_eq!(echoed, json!({ "result": expected }));
    // On the way back, what is long in all is one part behind the others.
    let long = "x\u{e5}".repeat(200_000);
    let bytes = b"bytes".as_slice();
    let arguments = json!({ "data": { "$part": 0 }, "text": { "$text": long.len() } });
    let head = json!({ "tool": "echo", "arguments": arguments, "text": 1 }).to_string();
    let reply = session.frame(OP_CALL, head.as_bytes(), &[bytes, long.as_bytes()]);
    let expected = json!({ "data": { "$part": 0 }, "text": { "$text": long.len() } });
    assert_eq!(
        crate::support::head(&reply),
        Ok(json!({ "result": expected, "text": 2 }))
    );
    assert_eq!(reply.parts, [bytes, b"", long.as_bytes()]);
}

#[test]
fn texts_that_are_not_there_are_refused() {
    let mut session = Session::new(vec![echo("echo", json!({}), None)]);
    let one = json!({ "a": { "$text": 3 } });
    for (arguments, text, part, expected) in [
        (one.clone(), 0, &b"ab"[..], "names no text"),
        (one.clone(), 0, b"abcd", "bytes that nothing names"),
        (one.clone(), 0, b"ab\xff", "is not UTF-8"),
        (one.clone(), 1, b"abc", "\"text\" names no part"),
        (json!({ "a": { "$text": -1 } }), 0, b"abc", "names no text"),
        (json!({ "a": { "$text": "x" } }), 0, b"abc", "names no text"),
        (
            json!({ "a": { "$text": u64::MAX } }),
            0,
            b"abc",
            "names no text",
        ),
    ] {
        let refusal = call(&mut session, arguments, text, &[part]).unwrap_err();
        assert!(
            refusal.starts_with("ValueError: echo: ") && refusal.contains(expected),
            "{refusal}"
        );
    }
    // The control, and a value that only looks like one.
    assert!(call(&mut session, one.clone(), 0, &[b"abc"]).is_ok());
    assert_eq!(session.call("echo", one.clone()), Ok(one));
}

/// What is made of a call is no larger than the call.
#[test]
fn no_part_counts_twice() {
    let mut session = Session::new(vec![echo("echo", json!({}), None)]);
    let part = json!({ "$part": 0 });
    let table = json!({ "$table": { "rows": 1, "columns": [
        { "name": "a", "type": "int64", "data": 0, "valid": 0 }] } });
    for arguments in [json!({ "a": part, "b": [part] }), json!({ "a": table })] {
        let call = json!({ "tool": "echo", "arguments": arguments }).to_string();
        let refusal = head(&session.frame(OP_CALL, call.as_bytes(), &[b"x"])).unwrap_err();
        assert_eq!(
            refusal,
            "ValueError: echo: a part of the call is named twice"
        );
    }
    let refusal = call(&mut session, json!({ "a": part }), 0, &[b""]).unwrap_err();
    assert_eq!(
        refusal,
        "ValueError: echo: a part of the call is named twice"
    );
    let call = json!({ "tool": "echo", "arguments": { "a": part } }).to_string();
    assert!(session.frame(OP_CALL, call.as_bytes(), &[b"x"]).ok);
}

#[test]
fn texts_of_answers_are_within_the_budget() {
    let long = Value::from("x".repeat(300_000));
    for (answer_bytes, fits) in [(300_100, true), (299_999, false), (300_010, false)] {
        let budget = Budget {
            answer_bytes,
            ..Budget::default()
        };
        let tools = vec![Fixed::tool("one", long.clone(), vec![])];
        let reply = Session::with_budget(tools, budget).reply("one", json!({}));
        assert_eq!(reply.ok, fits, "{answer_bytes}");
    }
}
