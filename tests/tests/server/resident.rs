//! The host's resident memory while the server reads bodies that were made to do harm, in a
//! process that does nothing else.

use crate::world::World;
use memex_tests::{measured_work, none_is_over, watched};
use serde_json::json;

/// What a body may take as values.
const VALUES_BYTES: u64 = 64 << 20;
/// Copies of a body, here and there, while it is sent and read.
const COPIES: u64 = 4;
const OVERHEAD_BYTES: u64 = 32 << 20;
const VALUES: [&str; 4] = ["{\"\":0},", "[],", "0,", "\"\","];

#[test]
#[ignore = "runs in a process of its own: see no_body_makes_the_server_hold_more"]
fn hostile_bodies_are_read() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    let id = sandbox.rsplit('/').next().unwrap();
    let execd = format!("/opensandbox/{id}/44772");
    let key = client.key.clone();
    let json_of = ("content-type", "application/json");
    let (e2b, opensandbox) = (("x-api-key", &*key), ("open-sandbox-api-key", &*key));
    let mib = |count: usize| count << 20;
    for value in VALUES {
        for (path, header, bytes, before) in [
            ("/v1/sandboxes", json_of, mib(16), r#"{"inputs":{"a":"#),
            (
                "/v1/sandboxes",
                json_of,
                mib(16),
                r#"{"tools":[{"name":"f","parameters":{"a":"#,
            ),
            ("/sandboxes", e2b, mib(1) - 100, r#"{"mcp":{"a":"#),
            (
                "/opensandbox/v1/sandboxes",
                opensandbox,
                mib(16) - 100,
                r#"{"lifecycle":{"a":"#,
            ),
            (
                &*format!("{execd}/directories"),
                opensandbox,
                mib(16) - 100,
                r#"{"a":{"a":"#,
            ),
            (
                &*format!("{execd}/code"),
                opensandbox,
                mib(16) - 100,
                r#"{"code":"1","x":{"a":"#,
            ),
        ] {
            let mut body = format!("{before}[{}0]", value.repeat(bytes / value.len()));
            let opened = before.matches('{').count();
            body.push('}');
            if before.contains("\"tools\":[") {
                body.push_str("}]}");
            } else {
                body.push_str(&"}".repeat(opened - 1));
            }
            let allowed = COPIES * body.len() as u64 + VALUES_BYTES + OVERHEAD_BYTES;
            let what = format!("{path} {before} {value}");
            let answer = measured_work(&what, allowed, || {
                client.send("POST", path, &[json_of, header], body.as_bytes())
            });
            assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        }
    }
    // The control.
    assert_eq!(client.value(&sandbox, "1"), "1");
}

#[test]
fn no_body_makes_the_server_hold_more() {
    let read = watched(&["resident::hostile_", "--ignored"]);
    assert_eq!(read.len(), 4 * 6, "{read:?}");
    none_is_over(&read);
}
