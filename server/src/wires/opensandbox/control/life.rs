//! The life of a sandbox: told, reached, prolonged, paused, resumed, ended.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use memex_trajectories::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::super::target::{EGRESS_PORT, EXECD_PORT, TOKEN_HEADER, nothing_listens};
use super::request::{Key, Named};
use super::shapes::Sandbox;
use crate::sandbox::State as Life;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Renewal {
    expires_at: Timestamp,
}

pub(super) async fn get(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
) -> Result<Answer<Sandbox>, ApiError> {
    let view = state.service.get(&who, &id).await?;
    Ok(Answer(Sandbox::from(&view)))
}

pub(super) async fn delete(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    state.service.delete(&who, &id).await?;
    state.executions.forget(id);
    Ok(StatusCode::NO_CONTENT)
}

/// Where a port of a sandbox is, and what to send there.
pub(super) async fn endpoint(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
    Path((_id, port)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Answer<Value>, ApiError> {
    let port: u16 = port
        .parse()
        .map_err(|_| ApiError::invalid("the port is no number"))?;
    let view = state.service.get(&who, &id).await?;
    if let Life::Gone(_) = view.state {
        let message = "the sandbox has ended";
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "SANDBOX_ENDED",
            message,
        ));
    }
    if port != EXECD_PORT && port != EGRESS_PORT {
        return Err(nothing_listens(port));
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let Some(host) = host else {
        return Err(ApiError::invalid("the request has no Host"));
    };
    let token = state.service.access_token(&who, &id)?;
    Ok(Answer(json!({
        "endpoint": format!("{host}/opensandbox/{id}/{port}"),
        "headers": { TOKEN_HEADER: token },
    })))
}

pub(super) async fn renew(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
    Json(asked): Json<Renewal>,
) -> Result<Answer<Value>, ApiError> {
    let left_ms = Timestamp::now().until_ms(asked.expires_at);
    if left_ms == 0 {
        return Err(ApiError::invalid("expiresAt is in the past"));
    }
    let lifetime = Duration::from_millis(left_ms);
    let view = state.service.set_lifetime(&who, &id, lifetime).await?;
    let expires = view
        .expires_ms
        .map_or(asked.expires_at, Timestamp::from_unix_ms);
    Ok(Answer(json!({ "expiresAt": expires })))
}

pub(super) async fn pause(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    state.service.pause(&who, &id).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn resume(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    state.service.resume(&who, &id, None).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What clients tell of themselves is not kept.
pub(super) async fn telemetry(Key(_who): Key) -> StatusCode {
    StatusCode::ACCEPTED
}

pub(super) async fn no_such_call(Key(_who): Key, uri: Uri) -> ApiError {
    let families = [
        "templates",
        "networkpolicy",
        "metadata",
        "diagnostics",
        "pools",
    ];
    let path = uri.path();
    match families.iter().find(|family| path.contains(*family)) {
        Some(family) => ApiError::unsupported(format!(
            "calls of {family} are not supported\nhint: docs/serve-e2b.md lists those that there are"
        )),
        None => ApiError::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "there is no such call\nhint: docs/serve-e2b.md lists those that there are",
        ),
    }
}
