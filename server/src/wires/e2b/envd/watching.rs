//! Calls about watchers.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::super::connect::{Code, ConnectError, Sender, stream, stream_request};
use super::super::error::SANDBOX_NOT_FOUND;
use super::super::state::E2b;
use super::access::Access;
use super::filesystem::{Asked, admitted, asked};
use super::watchers::{Watch, Watcher};
use crate::sandbox::State as Life;

/// How often a stream says that it is there, at least.
const KEEPALIVE_S: u64 = 5;
/// The longest stream, where the client sets no time.
const STREAM_MAX: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Which {
    watcher_id: String,
}

pub(super) async fn create(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Value>, ConnectError> {
    let asked: Asked<Watch> = asked(&state, request).await?;
    let Access { who, id } = asked.access;
    let watcher = Watcher::begin(&state.service, &who, id, &asked.message).await?;
    let watcher_id = state.watchers.keep(&state.service, &who, id, watcher)?;
    Ok(Json(json!({ "watcherId": watcher_id })))
}

pub(super) async fn events(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Value>, ConnectError> {
    let asked: Asked<Which> = asked(&state, request).await?;
    let Access { who, id } = asked.access;
    let name = &asked.message.watcher_id;
    let watcher = state.watchers.find(id, name).ok_or_else(unknown)?;
    let news = watcher.lock().await.news(&state.service, &who, id).await?;
    Ok(Json(json!({ "events": news })))
}

pub(super) async fn remove(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Value>, ConnectError> {
    let asked: Asked<Which> = asked(&state, request).await?;
    let id = asked.access.id;
    match state.watchers.remove(id, &asked.message.watcher_id) {
        true => Ok(Json(json!({}))),
        false => Err(unknown()),
    }
}

fn unknown() -> ConnectError {
    ConnectError::new(
        Code::NotFound,
        "there is no such watcher\nhint: make another",
    )
}

/// Streams the changes of a folder until the client leaves.
pub(super) async fn watch_dir(State(state): State<E2b>, request: Request) -> Response {
    let pause = keepalive_of(request.headers());
    let admitted = match admitted(&state, request).await {
        Ok((access, request)) => stream_request::<Watch>(request)
            .await
            .map(|call| (access, call)),
        Err(error) => Err(error),
    };
    let (sender, events) = stream();
    tokio::spawn(async move {
        let outcome = match admitted {
            Ok((access, call)) => {
                let timeout = call.timeout.unwrap_or(STREAM_MAX).min(STREAM_MAX);
                let end = Instant::now() + timeout;
                let watching = watched(&state, &access, &call.message, &sender, pause);
                tokio::select! {
                    outcome = watching => outcome,
                    () = sleep_until(end) => Err(ConnectError::new(
                        Code::DeadlineExceeded,
                        "the time that the client set is over",
                    )),
                }
            }
            Err(error) => Err(error),
        };
        sender.end(outcome).await;
    });
    events.into_response()
}

async fn watched(
    state: &E2b,
    access: &Access,
    asked: &Watch,
    sender: &Sender,
    pause: Duration,
) -> Result<(), ConnectError> {
    let Access { who, id } = access;
    let mut touched = state.watchers.listen(&state.service, who, *id)?;
    let mut watcher = Watcher::begin(&state.service, who, *id, asked).await?;
    if !sender.send(&json!({ "start": {} })).await {
        return Ok(());
    }
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let mut turns = None;
    loop {
        let is_look = tokio::select! {
            changed = touched.changed() => {
                changed.map_err(|_| ended())?;
                true
            }
            _ = ticks.tick() => {
                if !sender.send(&json!({ "keepalive": {} })).await {
                    return Ok(());
                }
                // Turns of other wires say nothing here, but they are counted. This
                // wakes no sleeper.
                let view = state.service.get(who, id).await?;
                match view.state {
                    Life::Paused | Life::Gone(_) => return Err(ended()),
                    Life::Asleep => false,
                    Life::Live => turns.replace(view.turns).is_some_and(|known| known != view.turns),
                }
            }
            () = sender.gone() => return Ok(()),
        };
        if !is_look {
            continue;
        }
        for event in watcher.news(&state.service, who, *id).await? {
            if !sender.send(&json!({ "filesystem": event })).await {
                return Ok(());
            }
        }
    }
}

fn ended() -> ConnectError {
    ConnectError::new(Code::Unavailable, SANDBOX_NOT_FOUND)
}

/// How often the client wants to hear from us.
fn keepalive_of(headers: &HeaderMap) -> Duration {
    let asked = headers.get("keepalive-ping-interval");
    let asked = asked.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    Duration::from_secs(asked.unwrap_or(KEEPALIVE_S).clamp(1, KEEPALIVE_S))
}
