//! Saved states and copies of sandboxes.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::state::E2b;
use super::create::{may_hold_tokens, told};
use super::request::{Json, Key, Named};
use crate::names::Id;
use crate::sandbox::SnapshotView;

const FORKS_MAX: usize = 100;
const NAME_MAX_BYTES: usize = 128;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewSnapshot {
    name: Option<String>,
    memory: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewForks {
    timeout: Option<u64>,
    count: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Snapshot {
    #[serde(rename = "snapshotID")]
    snapshot_id: String,
    names: Vec<String>,
}

impl From<SnapshotView> for Snapshot {
    fn from(view: SnapshotView) -> Self {
        Self {
            snapshot_id: view.id.to_string(),
            names: view.name.into_iter().collect(),
        }
    }
}

pub(super) async fn snapshot(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    Json(asked): Json<NewSnapshot>,
) -> Result<Response, ApiError> {
    if asked.memory == Some(false) {
        let message = "snapshots hold the memory\nhint: leave out mode=\"filesystem\"";
        return Err(ApiError::invalid(message));
    }
    let name = asked.name.filter(|name| !name.is_empty());
    let is_name = |name: &str| {
        name.len() <= NAME_MAX_BYTES
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte))
    };
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        return Err(ApiError::invalid(
            "the name is none\nhint: at most 128 of letters, digits, -, _, ., / and :",
        ));
    }
    let view = state.service.snapshot(&who, &id, name).await?;
    Ok((StatusCode::CREATED, Answer(Snapshot::from(view))).into_response())
}

pub(super) async fn snapshots(
    State(state): State<E2b>,
    Key(who): Key,
    RawQuery(query): RawQuery,
) -> Result<Answer<Vec<Snapshot>>, ApiError> {
    let query = query.unwrap_or_default();
    let asked = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "sandboxID")
        .map(|(_, value)| value.into_owned());
    let sandbox = match asked.as_deref().map(Id::parse) {
        None => None,
        Some(Some(id)) => Some(id),
        Some(None) => return Ok(Answer(Vec::new())),
    };
    let found = state.service.snapshots(&who, sandbox).await?;
    Ok(Answer(found.into_iter().map(Snapshot::from).collect()))
}

/// Snapshots are templates to this protocol; the name may come with a tag.
pub(super) async fn delete_snapshot(
    State(state): State<E2b>,
    Key(who): Key,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    let plain = name
        .split_once(':')
        .map_or(name.as_str(), |(plain, _)| plain);
    let Some(id) = Id::parse(plain) else {
        return Err(crate::error::ServiceError::not_found("snapshot", &name).into());
    };
    state.service.delete_snapshot(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Each copy is told on its own: a sandbox, or why it was not made.
pub(super) async fn fork(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
    headers: HeaderMap,
    Json(asked): Json<NewForks>,
) -> Result<Response, ApiError> {
    let count = asked.count.unwrap_or(1);
    if !(1..=FORKS_MAX).contains(&count) {
        return Err(ApiError::invalid(format!("count is 1 to {FORKS_MAX}")));
    }
    may_hold_tokens(&who)?;
    let lifetime = asked.timeout.map(Duration::from_secs);
    let made = state.service.fork(&who, &id, count, lifetime).await?;
    let made: Vec<Value> = made
        .into_iter()
        .map(|one| one.and_then(|view| told(&state, &who, &view, &headers)))
        .map(|one| match one {
            Ok(told) => json!({ "sandbox": told.0 }),
            Err(error) => {
                let error = ApiError::from(error);
                let (code, message) = (error.status.as_u16(), error.message);
                json!({ "error": { "code": code, "message": message } })
            }
        })
        .collect();
    Ok((StatusCode::CREATED, Answer(made)).into_response())
}
