//! The scratch that sessions share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../../../tests/tools/support.rs"]
#[expect(dead_code, reason = "the suite of the broker uses the rest")]
mod support;

use crate::support::{Session, head};
use memex_channel::OP_CALL;
use memex_sql::{ScratchFile, ScratchLimits, SharedScratch, scratch_read_tools, scratch_tools};
use serde_json::json;
use std::sync::Arc;

fn session(scratch: &Arc<SharedScratch>) -> Session {
    Session::new(scratch_tools(scratch))
}

#[test]
fn sessions_see_each_others_values() {
    let scratch = Arc::new(SharedScratch::new(ScratchLimits::default()));
    let (mut one, mut other) = (session(&scratch), session(&scratch));
    let value = json!({ "a": [1, null, "å"] });
    assert_eq!(one.call("kv_get", json!({ "key": "x" })), Ok(json!(null)));
    assert_eq!(
        one.call("kv_get", json!({ "key": "x", "default": 3 })),
        Ok(json!(3))
    );
    one.call("kv_set", json!({ "key": "x", "value": value }))
        .unwrap();
    assert_eq!(other.call("kv_get", json!({ "key": "x" })), Ok(value));
    for key in ["b/2", "b/1", "c"] {
        other
            .call("kv_set", json!({ "key": key, "value": 0 }))
            .unwrap();
    }
    let lists = [
        (json!({}), json!(["b/1", "b/2", "c", "x"])),
        (json!({ "prefix": "b/" }), json!(["b/1", "b/2"])),
        (json!({ "prefix": "b/", "after": "b/1" }), json!(["b/2"])),
        (json!({ "after": "b/2", "limit": 1 }), json!(["c"])),
        (json!({ "prefix": "b/", "after": "zz" }), json!([])),
    ];
    for (arguments, expected) in lists {
        assert_eq!(one.call("kv_list", arguments), Ok(expected));
    }
    assert_eq!(
        one.call("kv_delete", json!({ "key": "x" })),
        Ok(json!(true))
    );
    assert_eq!(
        other.call("kv_delete", json!({ "key": "x" })),
        Ok(json!(false))
    );
    let apart = Arc::new(SharedScratch::new(ScratchLimits::default()));
    assert_eq!(session(&apart).call("kv_list", json!({})), Ok(json!([])));
}

#[test]
fn bytes_and_tables_are_kept() {
    let scratch = Arc::new(SharedScratch::default());
    let mut session = session(&scratch);
    let table = json!({ "$table": { "rows": 1, "columns": [
        { "name": "a", "type": "text", "data": 2, "ends": 1, "valid": 3 }] } });
    let value = json!({ "t": table, "b": [{ "$part": 4 }] });
    let call = json!({ "tool": "kv_set", "arguments": { "key": "x", "value": value } });
    let parts: [&[u8]; 5] = [b"unused", b"\x01\0\0\0", b"z", b"\x01", b"b"];
    assert!(
        session
            .frame(OP_CALL, call.to_string().as_bytes(), &parts)
            .ok
    );
    let call = json!({ "tool": "kv_get", "arguments": { "key": "x" } }).to_string();
    let reply = session.frame(OP_CALL, call.as_bytes(), &[]);
    let table = json!({ "$table": { "rows": 1, "columns": [
        { "name": "a", "type": "text", "data": 0, "ends": 1, "valid": 2 }] } });
    let value = json!({ "t": table, "b": [{ "$part": 3 }] });
    assert_eq!(head(&reply), Ok(json!({ "result": value })));
    assert_eq!(reply.parts, [b"z" as &[u8], b"\x01\0\0\0", b"\x01", b"b"]);
}

/// A scratch in a file is the same to its tools, outlives them, and is shared
/// by all who open it.
#[test]
fn a_scratch_in_a_file_outlives_its_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("team.sqlite");
    let open = || ScratchFile::open(&path, ScratchLimits::default()).unwrap();
    let mut one = Session::new(scratch_tools(open()));
    let mut other = Session::new(scratch_tools(open()));
    for (key, value) in [
        ("b/2", json!("å")),
        ("b/1", json!([1, null])),
        ("a", json!({})),
    ] {
        one.call("kv_set", json!({ "key": key, "value": value }))
            .unwrap();
    }
    assert_eq!(
        other.call("kv_get", json!({ "key": "b/2" })),
        Ok(json!("å"))
    );
    assert_eq!(
        other.call("kv_list", json!({ "prefix": "b/", "after": "b/1" })),
        Ok(json!(["b/2"]))
    );
    assert_eq!(
        other.call("kv_list", json!({ "limit": 2 })),
        Ok(json!(["a", "b/1"]))
    );
    let bytes =
        json!({ "tool": "kv_set", "arguments": { "key": "bytes", "value": { "$part": 0 } } });
    let set = other.frame(OP_CALL, bytes.to_string().as_bytes(), &[b"\0\xff"]);
    assert!(set.ok);
    drop((one, other));
    let mut later = Session::new(scratch_read_tools(open()));
    let get = json!({ "tool": "kv_get", "arguments": { "key": "bytes" } }).to_string();
    let reply = later.frame(OP_CALL, get.as_bytes(), &[]);
    assert_eq!(reply.parts, [b"\0\xff"]);
    let refused = later.call("kv_set", json!({ "key": "a", "value": 1 }));
    assert!(refused.unwrap_err().starts_with("NameError"));
    let mut owner = Session::new(scratch_tools(open()));
    assert_eq!(
        owner.call("kv_delete", json!({ "key": "a" })),
        Ok(json!(true))
    );
    assert_eq!(later.call("kv_get", json!({ "key": "a" })), Ok(json!(null)));
    // Another file in its place is said to be none.
    std::fs::write(folder.path().join("none.sqlite"), "x".repeat(4096)).unwrap();
    let none = ScratchFile::open(&folder.path().join("none.sqlite"), ScratchLimits::default());
    assert!(none.is_err());
}

#[test]
fn a_scratch_is_bounded() {
    let limits = ScratchLimits {
        keys: 2,
        key_bytes: 4,
        value_bytes: 10,
        total_bytes: 20,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.sqlite");
    let file = ScratchFile::open(&path, limits.clone()).unwrap();
    let mut in_file = Session::new(scratch_tools(file));
    let mut set = |key: &str, value: &str| {
        let arguments = json!({ "key": key, "value": value });
        in_file.call("kv_set", arguments).is_ok()
    };
    let taken = [
        ("", "a", false),
        ("abcde", "a", false),
        ("a", "123456789", false),
        ("a", "12345678", true),
        ("b", "1234567", false),
        ("b", "123456", true),
        ("a", "", true),
        ("c", "", false),
    ];
    for (key, value, expected) in taken {
        assert_eq!(set(key, value), expected, "{key} {value}");
    }
    let scratch = Arc::new(SharedScratch::new(limits));
    let mut session = session(&scratch);
    let mut set = |key: &str, value: &str| {
        let arguments = json!({ "key": key, "value": value });
        session.call("kv_set", arguments).map(|_| ())
    };
    let refuse = |words: &str| Err(format!("ValueError: kv_set: {words}"));
    assert_eq!(set("", "a"), refuse("key: 1 to 4 bytes are allowed"));
    assert_eq!(set("abcde", "a"), refuse("key: 1 to 4 bytes are allowed"));
    assert_eq!(
        set("a", "123456789"),
        refuse("value: 11 bytes are more than the 10 allowed")
    );
    assert_eq!(set("a", "12345678"), Ok(()));
    assert_eq!(
        set("b", "1234567"),
        refuse("the scratch holds at most 20 bytes; delete some")
    );
    assert_eq!(set("b", "123456"), Ok(()));
    assert_eq!(scratch.bytes(), 20);
    assert_eq!(set("a", ""), Ok(()));
    assert_eq!(scratch.bytes(), 12);
    assert_eq!(
        set("c", ""),
        refuse("the scratch has its 2 keys; delete some")
    );
    assert_eq!(scratch.len(), 2);
    scratch.clear();
    assert!(scratch.is_empty());
    assert_eq!(set("c", ""), Ok(()));
}
