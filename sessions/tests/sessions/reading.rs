//! Specs as texts.

use memex_policies::{Access, Policy};
use memex_sessions::{
    AuditFile, Database, Error, ImageSource, LimitValue, Mount, PolicySource, SPEC_MAX_BYTES,
    SPEC_VERSION, SessionSpec, SharedScratch, StoreSource, ToolSources,
};
use serde_json::json;

/// A spec with every field set.
pub(crate) fn full() -> SessionSpec {
    SessionSpec {
        version: SPEC_VERSION,
        policy: PolicySource::Files(vec!["workspace".into()]),
        mounts: vec![Mount {
            host: "data".into(),
            guest: "/data".into(),
            access: Access::ReadWrite,
        }],
        limits: [
            ("guest_time_ms".to_owned(), LimitValue::from("2s")),
            ("turns".to_owned(), LimitValue::from(7)),
        ]
        .into(),
        environment: [("LANG".to_owned(), "C".to_owned())].into(),
        image: ImageSource {
            name: None,
            preload: vec!["scipy.stats".into()],
            packages: vec!["humanize==4.9.0".into()],
        },
        tools: ToolSources {
            files: vec!["tools.toml".into()],
            sql: vec![Database {
                name: "shop".into(),
                path: "shop.sqlite".into(),
            }],
            memory: Some("memory".into()),
            ask_user: true,
            shared_scratch: Some(SharedScratch {
                name: "team".into(),
                access: Access::ReadWrite,
            }),
            audit: Some(AuditFile {
                path: "audit.jsonl".into(),
                arguments: true,
            }),
        },
        store: Some(StoreSource {
            session: "study".into(),
            place: Some("s3://bucket/prefix".into()),
            fresh_generators: true,
        }),
        inputs: [
            ("rows".to_owned(), json!([{ "a": 1.5, "b": "ä\n" }])),
            ("flag".to_owned(), json!(true)),
        ]
        .into(),
    }
}

#[test]
fn specs_come_back_as_they_were_written() {
    let written = SessionSpec {
        policy: PolicySource::of(&Policy::default()).unwrap(),
        ..full()
    };
    for spec in [SessionSpec::default(), full(), written] {
        let json = spec.to_json().unwrap();
        assert_eq!(SessionSpec::from_json(json.as_bytes()).unwrap(), spec);
        let toml = spec.to_toml().unwrap();
        assert_eq!(SessionSpec::from_toml(&toml).unwrap(), spec, "{toml}");
    }
    assert_eq!(
        SessionSpec::default().to_json().unwrap(),
        r#"{"version":1}"#
    );
}

#[test]
fn a_spec_that_is_wrong_is_refused_with_its_field() {
    let table = [
        ("", "the session spec cannot be used: EOF"),
        ("[]", "it is no table of fields"),
        (
            "{}",
            "the session spec has no `version`; this build reads version 1",
        ),
        (
            r#"{"version": 2, "novelty": true}"#,
            "the session spec is of version 2; this build reads version 1",
        ),
        (r#"{"version": "1"}"#, r#"is of version "1""#),
        (r#"{"version": 1.0}"#, "is of version 1.0"),
        (
            r#"{"version": 1, "polcy": "compute"}"#,
            "unknown field `polcy`",
        ),
        (
            r#"{"version": 1, "tools": {"file": []}}"#,
            "tools.file: unknown field `file`",
        ),
        (
            r#"{"version": 1, "tools": {"sql": [{"name": "a", "path": "b", "mode": "rw"}]}}"#,
            "tools.sql[0].mode: unknown field `mode`",
        ),
        (
            r#"{"version": 1, "mounts": [{"host": "a", "guest": "/a", "access": "rw"}]}"#,
            "mounts[0].access: `access` cannot be",
        ),
        (
            r#"{"version": 1, "limits": {"turns": -1}}"#,
            "limits.turns: expected a number, or a text such as \"2s\"",
        ),
        (
            r#"{"version": 1, "policy": 7}"#,
            "policy: expected a preset, a policy file, a list of them, or a policy as a table",
        ),
        (
            r#"{"version": 1, "store": {"place": "x"}}"#,
            "store: missing field `session`",
        ),
        (
            r#"{"version": 1, "image": {"preloads": []}}"#,
            "image.preloads: unknown field `preloads`",
        ),
    ];
    for (text, expected) in table {
        let error = SessionSpec::from_json(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(expected), "{text}: {error}");
        // Where it is a field of something else, it is refused just so.
        let inner = serde_json::from_str::<SessionSpec>(text).unwrap_err();
        assert!(
            text.is_empty() || inner.to_string().contains(expected),
            "{text}: {inner}"
        );
    }
    let error = SessionSpec::from_toml("version = 1\n[tools]\nask = true").unwrap_err();
    assert!(
        error.to_string().contains("tools.ask: unknown field"),
        "{error}"
    );
}

#[test]
fn the_length_of_a_spec_has_a_bound() {
    let mut text = br#"{"version": 1, "inputs": {"x": ""#.to_vec();
    text.resize(SPEC_MAX_BYTES - 3, b'x');
    text.extend_from_slice(br#""}}"#);
    assert_eq!(text.len(), SPEC_MAX_BYTES);
    assert!(SessionSpec::from_json(&text).is_ok());
    text.push(b' ');
    let error = SessionSpec::from_json(&text).unwrap_err();
    assert!(matches!(error, Error::Spec { .. }), "{error}");
    assert!(
        error.to_string().contains("at most 67108864 are read"),
        "{error}"
    );
}
