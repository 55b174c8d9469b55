//! What the prompt asks the guest. The answers are the guest's word: bounded,
//! parsed, and good for display only.

use memex_runtime::{AtMost, Session};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Most names or completions that a session lists.
const LISTED_MAX: usize = 1_000;

/// What may follow at the cursor.
#[derive(Debug, Deserialize)]
pub(super) struct Matches {
    pub(super) matches: AtMost<String, LISTED_MAX>,
    /// Where the text that they replace begins, in characters.
    pub(super) start: usize,
}

/// A name in scope.
#[derive(Debug, Deserialize)]
pub(super) struct Name {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) class: String,
    #[serde(default)]
    pub(super) preview: String,
}

#[derive(Deserialize)]
struct Names {
    names: AtMost<Name, LISTED_MAX>,
}

#[derive(Deserialize)]
struct BlockState {
    state: String,
}

/// What may follow the text before the cursor.
pub(super) fn completions(session: &mut Session, before: &str) -> Option<Matches> {
    let cursor = before.chars().count();
    ask(
        session,
        &json!({"op": "complete", "text": before, "cursor": cursor}),
    )
}

/// The names in scope.
pub(super) fn names(session: &mut Session) -> Option<Vec<Name>> {
    ask::<Names>(session, &json!({"op": "names"})).map(|answer| answer.names.0)
}

/// Whether Python expects more lines.
pub(super) fn is_incomplete(session: &mut Session, block: &str) -> bool {
    ask::<BlockState>(session, &json!({"op": "incomplete", "text": block}))
        .is_some_and(|answer| answer.state == "incomplete")
}

fn ask<T: DeserializeOwned>(session: &mut Session, request: &Value) -> Option<T> {
    let answer = session.inspect(&request.to_string()).ok()??;
    serde_json::from_str(&answer).ok()
}
