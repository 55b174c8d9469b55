//! Turns: as one JSON answer, or as a stream of events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::model::{DurabilityBody, TurnBody, WaitingBody};
use super::sandboxes::key_of;
use crate::error::ServiceError;
use crate::http::auth::Who;
use crate::http::body::{Json, Named};
use crate::http::problem::{Problem, Refusal};
use crate::service::Service;
use crate::turns::{TurnEvent, TurnRequest, TurnStream};

/// How often a stream says that it is there.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(5);

/// A block that is to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TurnRequestBody {
    /// The block.
    code: String,
    /// What the turn survives once it is acknowledged. Default: as the sandbox was made.
    #[serde(default)]
    durability: Option<DurabilityBody>,
}

/// Runs a block. With `Accept: text/event-stream` the answer is a stream of the events
/// `started`, `stdout`, `stderr`, `dropped`, `display`, and one of `waiting`, `done` and
/// `error` at the end. A client that goes away interrupts the block, unless the request has
/// a key: it can ask again then.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/turns", tag = "turns", request_body = TurnRequestBody,
    params(("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "An equal request with the same key gets the same outcome, and runs nothing.")),
    responses(
        (status = 200, description = "The outcome, or the calls that the turn waits for; or its events.",
            content((serde_json::Value = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", description = "It did not run.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn run(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    headers: HeaderMap,
    Json(body): Json<TurnRequestBody>,
) -> Result<Response, Refusal> {
    let key = key_of(&headers)?;
    let stays = key.is_some();
    let request = TurnRequest {
        around: None,
        code: body.code,
        durability: body.durability.map(Into::into),
        idempotency_key: key,
    };
    let turn = service.start_turn(&who, &id, request).await?;
    let turn = if stays { turn.detach() } else { turn };
    answer(turn, &headers).await
}

/// How a turn is interrupted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct InterruptBody {
    /// Stops the turn at once and rolls it back. Default: `KeyboardInterrupt` is raised.
    hard: bool,
}

/// Whether a turn was running.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InterruptedBody {
    running: bool,
}

/// Interrupts the turn that runs.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/interrupt", tag = "turns", params(("id" = String, Path)), request_body = InterruptBody,
    responses((status = 200, description = "Whether one was running.", body = InterruptedBody),
        (status = 404, description = "There is no such sandbox.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn interrupt(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Json(body): Json<InterruptBody>,
) -> Result<axum::Json<InterruptedBody>, Refusal> {
    let running = service.interrupt(&who, &id, body.hard).await?;
    Ok(axum::Json(InterruptedBody { running }))
}

/// A turn in the form that the client wants.
pub(super) async fn answer(turn: TurnStream, headers: &HeaderMap) -> Result<Response, Refusal> {
    if wants_events(headers) {
        let events = turn.map(|event| Ok::<_, Infallible>(sse(event)));
        let keepalive = KeepAlive::new().interval(KEEPALIVE).text("keepalive");
        let response = Sse::new(events).keep_alive(keepalive);
        return Ok(([(header::CACHE_CONTROL, "no-store")], response).into_response());
    }
    let body = match last(turn).await? {
        TurnEvent::Waiting(waiting) => TurnBody::Waiting(WaitingBody::of(waiting.calls)),
        TurnEvent::Done(outcome) => TurnBody::Done(outcome),
        _ => return Err(ServiceError::internal("the turn ended without an outcome").into()),
    };
    Ok(axum::Json(body).into_response())
}

/// Whether the client asks for a stream of events.
pub(super) fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accepted.is_some_and(|accept| {
        accept
            .split(',')
            .any(|kind| kind.trim().starts_with("text/event-stream"))
    })
}

async fn last(mut turn: TurnStream) -> Result<TurnEvent, ServiceError> {
    while let Some(event) = turn.next().await {
        match event {
            TurnEvent::Failed(error) => return Err(error),
            event if event.is_last() => return Ok(event),
            _ => {}
        }
    }
    Err(ServiceError::internal("the turn's thread met a fault"))
}

fn sse(event: TurnEvent) -> Event {
    let (name, data) = match event {
        TurnEvent::Started => ("started", json!({})),
        TurnEvent::Stdout(text) => ("stdout", json!({ "text": text })),
        TurnEvent::Stderr(text) => ("stderr", json!({ "text": text })),
        TurnEvent::Dropped { bytes } => ("dropped", json!({ "bytes": bytes })),
        TurnEvent::Display(display) => ("display", json!(display)),
        TurnEvent::Waiting(waiting) => ("waiting", json!(WaitingBody::of(waiting.calls))),
        TurnEvent::Done(outcome) => ("done", json!(outcome)),
        TurnEvent::Failed(error) => ("error", json!(Problem::from(&error))),
    };
    // JSON has no line ends, which is all that an event's data may not have.
    Event::default().event(name).data(data.to_string())
}
