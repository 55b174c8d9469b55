//! Commands, which the shell in the sandbox runs.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use memex_trajectories::Timestamp;
use serde::Deserialize;

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;
use super::code::{Events, answer, first};
use super::events::Event;
use crate::wires::executions::Task;
use crate::wires::shell::{self, What};

/// What the code interpreter's client runs to learn whether its kernel listens.
const PROBE: &str = "/dev/tcp/127.0.0.1/${JUPYTER_PORT:-44771}";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Command {
    command: Option<String>,
    argv: Option<Vec<String>>,
    cwd: Option<String>,
    background: bool,
    /// In milliseconds.
    timeout: Option<u64>,
    envs: Option<BTreeMap<String, String>>,
}

/// Runs a command and streams what it prints. The probe of the code interpreter's
/// client is answered for the interpreter, which is there.
pub(super) async fn run(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Json(asked): Json<Command>,
) -> Result<Response, ApiError> {
    if asked
        .command
        .as_deref()
        .is_some_and(|command| command.contains(PROBE))
    {
        return Ok(probed());
    }
    if asked.background {
        return Err(ApiError::unsupported(
            "nothing runs in the background of a sandbox\nhint: run the command in the foreground",
        ));
    }
    let what = match (asked.command, asked.argv) {
        (Some(line), None) => What::Line(line),
        (None, Some(arguments)) => What::Arguments(arguments),
        _ => return Err(ApiError::invalid("the request has no command, or two")),
    };
    let command = shell::Command {
        what,
        folder: asked.cwd.filter(|folder| !folder.is_empty()),
        variables: asked.envs.unwrap_or_default(),
    };
    let limit = asked.timeout.map(Duration::from_millis);
    let steps = state.executions.start(who, id, Task::Command(command))?;
    first(Events::of_command(limit), steps).await
}

fn probed() -> Response {
    let now_ms = Timestamp::now().unix_ms();
    let init = Event::Init {
        text: "probe".to_owned(),
    };
    let complete = Event::ExecutionComplete { execution_time: 0 };
    let bytes: Vec<Bytes> = [init, complete]
        .iter()
        .map(|event| event.bytes(now_ms))
        .collect();
    answer(Body::from(bytes.concat()))
}

pub(super) async fn none(_access: Access) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "there is no such command: nothing runs in the background of a sandbox",
    )
}
