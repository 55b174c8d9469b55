//! Running a block: one line of JSON for each thing that it comes to.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use memex_trajectories::Timestamp;
use serde::Deserialize;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::envd::Access;
use super::super::error::{ApiError, TextError, at_port};
use super::super::state::E2b;
use super::lines::{Line, ending, exited};
use crate::error::ErrorKind;
use crate::json::object;
use crate::names::Id;
use crate::pieces::whole;
use crate::wires::executions::{Block, Step, Steps, Task};
use crate::wires::languages::{Language, language_of};
use crate::wires::shell::{Command, What, exit_of};

/// Bytes of a request: a block may carry data.
const REQUEST_MAX_BYTES: usize = 16 << 20;
const KEEPALIVE: Duration = Duration::from_secs(5);
/// How long a line waits for those after it.
const GATHERED: Duration = Duration::from_millis(2);

/// What a client asks for; any field may be null.
#[derive(Debug, Deserialize)]
pub(super) struct Execute {
    code: String,
    #[serde(default)]
    context_id: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    env_vars: Option<BTreeMap<String, String>>,
}

pub(super) async fn execute(
    State(state): State<E2b>,
    access: Access,
    request: Request,
) -> Result<Response, TextError> {
    let asked: Execute = read(request).await?;
    let context = asked.context_id.filter(|id| !id.is_empty());
    let language = asked.language.filter(|name| !name.is_empty());
    if context.is_some() && language.is_some() {
        let message = "Only one of context_id or language can be provided";
        return Err(ApiError::invalid(message).into());
    }
    let language = language_of(language.as_deref())?;
    let variables = asked.env_vars.unwrap_or_default();
    let task = match language {
        Language::Python => Task::Block(Block {
            code: asked.code,
            context,
            variables,
        }),
        Language::Shell => Task::Command(Command {
            what: What::Line(asked.code),
            folder: None,
            variables,
        }),
    };
    let Access { who, id } = access;
    let mut steps = state.executions.start(who, id, task)?;
    // The first step decides the status: what is refused has one of its own. While
    // it waits for others, the answer begins, so that the client hears of it.
    let mut body = Lines::new(state, id, language);
    match timeout(KEEPALIVE, steps.next()).await {
        Ok(Some(Step::Failed(error))) => return Err(at_port(error).into()),
        Ok(Some(step)) => {
            body.take(step);
            body.gather(&mut steps).await;
        }
        Ok(None) => return Err(ApiError::sandbox_not_found().into()),
        Err(_still_waiting) => body.push(&Line::Keepalive),
    }
    let head = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((StatusCode::OK, head, body.into_body(steps)).into_response())
}

pub(super) async fn read<T: serde::de::DeserializeOwned>(
    request: Request<Body>,
) -> Result<T, ApiError> {
    let body = whole(request.into_body(), REQUEST_MAX_BYTES).await?;
    object(&body).map_err(|error| ApiError::invalid(format!("the request cannot be read: {error}")))
}

/// Lines on their way to the client.
struct Lines {
    state: E2b,
    id: Id,
    language: Language,
    ready: Vec<Bytes>,
    end: End,
}

/// Where the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// All has been said.
    Whole,
    /// The sandbox went away in the middle: so does the answer.
    Broken,
}

impl Lines {
    fn new(state: E2b, id: Id, language: Language) -> Self {
        Self {
            state,
            id,
            language,
            ready: Vec::new(),
            end: End::Open,
        }
    }

    fn push(&mut self, line: &Line) {
        self.ready.push(line.bytes());
    }

    fn take(&mut self, step: Step) {
        let timestamp = || Timestamp::now().to_string();
        match step {
            Step::Began { .. } if self.language == Language::Shell => {}
            Step::Began { count } => self.push(&Line::NumberOfExecutions {
                execution_count: count,
            }),
            Step::Stdout(text) => self.push(&Line::Stdout {
                text,
                timestamp: timestamp(),
            }),
            Step::Stderr(text) => self.push(&Line::Stderr {
                text,
                timestamp: timestamp(),
            }),
            Step::Over(outcome) => {
                let lines = match self.language {
                    Language::Python => ending(&outcome),
                    Language::Shell => exited(exit_of(&outcome)),
                };
                for line in lines {
                    self.push(&line);
                }
                self.finish();
            }
            Step::Failed(error) => {
                if matches!(error.kind, ErrorKind::Gone | ErrorKind::NotFound) {
                    self.end = End::Broken;
                    return;
                }
                let value = error.to_string();
                self.push(&Line::Error {
                    name: "SandboxError".to_owned(),
                    traceback: format!("SandboxError: {value}"),
                    value,
                });
                self.finish();
            }
        }
    }

    /// Takes what comes at once after the first step: the answer of a short block is sent as
    /// one piece.
    async fn gather(&mut self, steps: &mut Steps) {
        let until = Instant::now() + GATHERED;
        while self.end == End::Open {
            match timeout_at(until, steps.next()).await {
                Ok(Some(step)) => self.take(step),
                Ok(None) => self.end = End::Broken,
                Err(_later) => return,
            }
        }
    }

    fn finish(&mut self) {
        self.push(&Line::EndOfExecution);
        self.end = End::Whole;
        self.state.watchers.touched(self.id);
    }

    /// The body. Dropping it, as happens when the client leaves, interrupts the
    /// block.
    fn into_body(self, steps: Steps) -> Body {
        Body::from_stream(stream::unfold(
            (self, steps),
            |(mut lines, mut steps)| async move {
                while lines.ready.is_empty() {
                    match lines.end {
                        End::Open => {}
                        End::Whole => return None,
                        End::Broken => {
                            let broken = io::Error::from(io::ErrorKind::ConnectionAborted);
                            lines.end = End::Whole;
                            return Some((Err(broken), (lines, steps)));
                        }
                    }
                    match timeout(KEEPALIVE, steps.next()).await {
                        Ok(Some(step)) => lines.take(step),
                        // Its task has gone, as when the server stops.
                        Ok(None) => lines.end = End::Broken,
                        Err(_quiet) => lines.push(&Line::Keepalive),
                    }
                }
                let ready = std::mem::take(&mut lines.ready).concat();
                Some((Ok(Bytes::from(ready)), (lines, steps)))
            },
        ))
    }
}
