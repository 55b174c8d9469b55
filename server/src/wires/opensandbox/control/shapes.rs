//! What is told of sandboxes, in the clients' words.

use std::collections::BTreeMap;

use memex_trajectories::Timestamp;
use serde::Serialize;

use crate::sandbox::{EndReason, SandboxView, State};
use crate::wires::reserved;

/// What a sandbox starts, as far as clients want to know: nothing.
const ENTRYPOINT: [&str; 1] = ["memex"];

/// A sandbox.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sandbox {
    id: String,
    image: Image,
    status: Status,
    metadata: BTreeMap<String, String>,
    entrypoint: [&'static str; 1],
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Image {
    uri: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
}

impl From<&SandboxView> for Sandbox {
    fn from(view: &SandboxView) -> Self {
        let metadata = reserved::without(&view.metadata).into_iter();
        let template = view.metadata.get(reserved::TEMPLATE);
        Self {
            id: view.id.to_string(),
            image: Image {
                uri: template.unwrap_or(&view.image).clone(),
            },
            status: status_of(view.state),
            metadata: metadata
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            entrypoint: ENTRYPOINT,
            created_at: Timestamp::from_unix_ms(view.created_ms),
            expires_at: view.expires_ms.map(Timestamp::from_unix_ms),
        }
    }
}

fn status_of(state: State) -> Status {
    let (state, reason) = match state {
        // A sleeper runs as far as clients can tell: any request wakes it.
        State::Live | State::Asleep => ("Running", None),
        State::Paused => ("Paused", None),
        State::Gone(ended) => ("Terminated", Some(reason_of(ended.reason))),
    };
    Status { state, reason }
}

fn reason_of(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Deleted => "deleted",
        EndReason::Expired => "expired",
        EndReason::Unused => "unused",
        EndReason::Fault => "fault",
    }
}
