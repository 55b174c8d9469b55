//! Running a block, whose events are streamed.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use memex_trajectories::Timestamp;
use serde::Deserialize;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;
use super::events::{Event, Failure, ending, exited};
use crate::error::{ErrorKind, ServiceError};
use crate::wires::executions::{Block, Step, Steps, Task};
use crate::wires::languages::{Language, language_of};
use crate::wires::shell::{Command, Exit, What, exit_of};

const KEEPALIVE: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    code: String,
    #[serde(default)]
    context: Option<Where>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Where {
    language: Option<String>,
    id: Option<String>,
}

pub(super) async fn run(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Json(asked): Json<Run>,
) -> Result<Response, ApiError> {
    let place = asked.context.unwrap_or_default();
    let language = language_of(place.language.as_deref())?;
    let (task, events) = match language {
        Language::Python => {
            let block = Block {
                code: asked.code,
                context: place.id.filter(|id| !id.is_empty()),
                ..Block::default()
            };
            (Task::Block(block), Events::default())
        }
        Language::Shell => {
            let command = Command {
                what: What::Line(asked.code),
                ..Command::default()
            };
            (Task::Command(command), Events::of_command(None))
        }
    };
    first(events, state.executions.start(who, id, task)?).await
}

/// Begins the answer. What is refused before anything runs has a status of its own.
pub(super) async fn first(mut events: Events, mut steps: Steps) -> Result<Response, ApiError> {
    events.push(&Event::Init {
        text: steps.id.clone(),
    });
    match timeout(KEEPALIVE, steps.next()).await {
        Ok(Some(Step::Failed(error))) => return Err(error.into()),
        Ok(Some(step)) => events.take(step),
        Ok(None) => return Err(ServiceError::internal("the server stops").into()),
        Err(_still_waiting) => events.push(&Event::Ping),
    }
    Ok(answer(events.into_body(steps)))
}

/// Interrupts an execution. One that is over is no error.
pub(super) async fn interrupt(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    let query = query.unwrap_or_default();
    let execution = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "id")
        .map(|(_, value)| value.into_owned());
    let Some(execution) = execution.filter(|execution| !execution.is_empty()) else {
        return Err(ApiError::invalid("the query has no id of an execution"));
    };
    state.executions.interrupt(&who, id, &execution).await?;
    Ok(StatusCode::OK)
}

/// An answer of server-sent events.
pub(super) fn answer(body: Body) -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (StatusCode::OK, head, body).into_response()
}

/// Events on their way to the client.
#[derive(Debug, Default)]
pub(super) struct Events {
    ready: Vec<Bytes>,
    is_whole: bool,
    is_broken: bool,
    is_command: bool,
    /// When the client wants it to be over.
    end: Option<Instant>,
}

impl Events {
    /// Of a command, which ends with a status.
    pub(super) fn of_command(limit: Option<Duration>) -> Self {
        Self {
            is_command: true,
            end: limit.and_then(|limit| Instant::now().checked_add(limit)),
            ..Self::default()
        }
    }

    fn push(&mut self, event: &Event) {
        self.ready.push(event.bytes(Timestamp::now().unix_ms()));
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Began { .. } if self.is_command => {}
            Step::Began { count } => self.push(&Event::ExecutionCount {
                execution_count: count,
            }),
            Step::Stdout(text) => self.push(&Event::Stdout { text }),
            Step::Stderr(text) => self.push(&Event::Stderr { text }),
            Step::Over(outcome) if self.is_command => {
                for event in exited(exit_of(&outcome), outcome.wall_us) {
                    self.push(&event);
                }
                self.is_whole = true;
            }
            Step::Over(outcome) => {
                for event in ending(&outcome) {
                    self.push(&event);
                }
                self.is_whole = true;
            }
            Step::Failed(error) => {
                let error_event = Event::Error {
                    error: Failure {
                        ename: "SandboxError".to_owned(),
                        evalue: error.to_string(),
                        traceback: Vec::new(),
                    },
                };
                // Whoever reads on learns that the sandbox went away.
                self.push(&error_event);
                self.is_whole = !matches!(error.kind, ErrorKind::Gone | ErrorKind::NotFound);
                self.is_broken = !self.is_whole;
            }
        }
    }

    /// When there is something to do, whatever the execution does.
    fn wake(&self) -> Instant {
        let quiet = Instant::now() + KEEPALIVE;
        self.end.map_or(quiet, |end| end.min(quiet))
    }

    fn is_late(&self) -> bool {
        self.end.is_some_and(|end| end <= Instant::now())
    }

    /// The time is over: leaving interrupts what runs.
    fn give_up(&mut self) {
        let exit = Exit {
            status: 124,
            reason: Some("the command ran out of time".to_owned()),
        };
        for event in exited(exit, 0) {
            self.push(&event);
        }
        self.is_whole = true;
    }

    /// The body. Dropping it, as happens when the client leaves, interrupts the
    /// block.
    fn into_body(self, steps: Steps) -> Body {
        Body::from_stream(stream::unfold(
            (self, steps),
            |(mut events, mut steps)| async move {
                while events.ready.is_empty() {
                    if events.is_broken {
                        events.is_broken = false;
                        events.is_whole = true;
                        let broken = io::Error::from(io::ErrorKind::ConnectionAborted);
                        return Some((Err(broken), (events, steps)));
                    }
                    if events.is_whole {
                        return None;
                    }
                    match timeout_at(events.wake(), steps.next()).await {
                        Ok(Some(step)) => events.take(step),
                        Ok(None) => events.is_broken = true,
                        Err(_quiet) if events.is_late() => events.give_up(),
                        Err(_quiet) => events.push(&Event::Ping),
                    }
                }
                let ready = std::mem::take(&mut events.ready).concat();
                Some((Ok(Bytes::from(ready)), (events, steps)))
            },
        ))
    }
}
