//! The life of a sandbox: told, prolonged, paused, resumed, ended.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use memex_trajectories::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::error::ApiError;
use super::super::state::E2b;
use super::create::{domain_of, may_hold_tokens, told};
use super::request::{Json, Key, Named};
use super::shapes::Detail;
use crate::error::ErrorKind;
use crate::sandbox::State as Life;

/// How long a sandbox that is connected to lives, at least, when the client does not
/// say.
const CONNECT_DEFAULT_S: u64 = 300;
const REFRESH_DEFAULT_S: u64 = 15;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Timeout {
    timeout: Option<u64>,
    /// How the sandbox was paused; there is one way here.
    memory: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refresh {
    duration: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pause {
    memory: Option<bool>,
}

pub(super) async fn get(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = state.service.get(&who, &id).await?;
    if let Life::Gone(_) = view.state {
        return Err(ended());
    }
    let token = state.service.access_token(&who, &id)?;
    let detail = Detail::new(&view, token, domain_of(&headers));
    Ok(Answer(detail).into_response())
}

pub(super) async fn delete(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    state.service.delete(&who, &id).await?;
    state.executions.forget(id);
    state.watchers.forget(id);
    state.recent.forget(id);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_timeout(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    Json(asked): Json<Timeout>,
) -> Result<StatusCode, ApiError> {
    let Some(timeout) = asked.timeout else {
        return Err(ApiError::invalid("the field timeout is missing"));
    };
    let lifetime = Duration::from_secs(timeout);
    state.service.set_lifetime(&who, &id, lifetime).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Prolongs a sandbox, and never shortens it.
pub(super) async fn refresh(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    Json(asked): Json<Refresh>,
) -> Result<StatusCode, ApiError> {
    let seconds = asked.duration.unwrap_or(REFRESH_DEFAULT_S);
    let view = state.service.get(&who, &id).await?;
    prolong(&state, &who, &view, seconds).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 200 for a sandbox that runs, 201 for one that was paused.
pub(super) async fn connect(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    headers: HeaderMap,
    Json(asked): Json<Timeout>,
) -> Result<Response, ApiError> {
    only_whole_memory(asked.memory)?;
    let seconds = asked.timeout.unwrap_or(CONNECT_DEFAULT_S);
    let view = state.service.get(&who, &id).await?;
    may_hold_tokens(&who)?;
    match view.state {
        Life::Gone(_) => Err(ended()),
        Life::Paused => {
            let lifetime = Some(Duration::from_secs(seconds));
            let (view, was_paused) = state.service.resume(&who, &id, lifetime).await?;
            let status = match was_paused {
                true => StatusCode::CREATED,
                false => StatusCode::OK,
            };
            Ok((status, told(&state, &who, &view, &headers)?).into_response())
        }
        Life::Live | Life::Asleep => {
            prolong(&state, &who, &view, seconds).await?;
            Ok((StatusCode::OK, told(&state, &who, &view, &headers)?).into_response())
        }
    }
}

/// The older call: a sandbox that runs is a conflict.
pub(super) async fn resume(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    headers: HeaderMap,
    Json(asked): Json<Timeout>,
) -> Result<Response, ApiError> {
    only_whole_memory(asked.memory)?;
    let seconds = asked.timeout.unwrap_or(CONNECT_DEFAULT_S);
    let lifetime = Some(Duration::from_secs(seconds));
    let view = state.service.get(&who, &id).await?;
    may_hold_tokens(&who)?;
    if !matches!(view.state, Life::Paused) {
        let message = format!("sandbox {id} is not paused\nhint: connect to it");
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    let (view, _) = state.service.resume(&who, &id, lifetime).await?;
    Ok((StatusCode::CREATED, told(&state, &who, &view, &headers)?).into_response())
}

pub(super) async fn pause(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    Json(asked): Json<Pause>,
) -> Result<StatusCode, ApiError> {
    only_whole_memory(asked.memory)?;
    state.service.pause(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// There is no network to set up: rules about it change nothing, and are taken from
/// the owner of the sandbox alone.
pub(super) async fn set_network(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    Json(_rules): Json<Value>,
) -> Result<StatusCode, ApiError> {
    let view = state.service.get(&who, &id).await?;
    match view.state {
        Life::Gone(_) => Err(ended()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

async fn prolong(
    state: &E2b,
    who: &crate::tenants::Principal,
    view: &crate::sandbox::SandboxView,
    seconds: u64,
) -> Result<(), ApiError> {
    let end_ms = Timestamp::now()
        .after_ms(seconds.saturating_mul(1_000))
        .unix_ms();
    if view.expires_ms.is_some_and(|known| known < end_ms) {
        let lifetime = Duration::from_secs(seconds);
        let set = state.service.set_lifetime(who, &view.id, lifetime).await;
        match set {
            // Paused in the meantime, which keeps it as well.
            Err(error) if error.kind == ErrorKind::Conflict => {}
            other => drop(other?),
        }
    }
    Ok(())
}

/// A state without its memory would be another promise than the one that is kept.
fn only_whole_memory(memory: Option<bool>) -> Result<(), ApiError> {
    match memory {
        Some(false) => Err(ApiError::invalid(
            "sandboxes are saved with their memory\nhint: leave out mode=\"filesystem\"; \
             restart the code context for empty memory with the same files",
        )),
        _ => Ok(()),
    }
}

fn ended() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "the sandbox has ended")
}
