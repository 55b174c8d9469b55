//! Saved states of sandboxes.

use axum::Json as Answer;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use memex_trajectories::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::list::{Asked, page_of};
use super::request::{Key, Named};
use super::shapes::Status;
use crate::error::ServiceError;
use crate::names::Id;
use crate::sandbox::SnapshotView;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewSnapshot {
    name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    id: String,
    sandbox_id: String,
    status: Status,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl From<SnapshotView> for Snapshot {
    fn from(view: SnapshotView) -> Self {
        Self {
            id: view.id.to_string(),
            sandbox_id: view.sandbox.to_string(),
            // It is whole before it is told of.
            status: Status {
                state: "Ready",
                reason: None,
            },
            created_at: Timestamp::from_unix_ms(view.created_ms),
            name: view.name,
        }
    }
}

pub(super) async fn create(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
    Json(asked): Json<NewSnapshot>,
) -> Result<Response, ApiError> {
    let view = state.service.snapshot(&who, &id, asked.name).await?;
    Ok((StatusCode::ACCEPTED, Answer(Snapshot::from(view))).into_response())
}

pub(super) async fn list(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    RawQuery(query): RawQuery,
) -> Result<Answer<Value>, ApiError> {
    let query = query.unwrap_or_default();
    let asked = Asked::read(&query)?;
    let mut sandbox = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name == "sandboxId" {
            let found = Id::parse(&value);
            sandbox = Some(found.ok_or_else(|| ServiceError::not_found("sandbox", &value))?);
        }
    }
    let found = state.service.snapshots(&who, sandbox).await?;
    let found: Vec<_> = found.into_iter().map(Snapshot::from).collect();
    Ok(Answer(page_of(found, asked.page, asked.page_size)))
}

pub(super) async fn get(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
) -> Result<Answer<Snapshot>, ApiError> {
    let all = state.service.snapshots(&who, None).await?;
    match all.into_iter().find(|view| view.id == id) {
        Some(view) => Ok(Answer(Snapshot::from(view))),
        None => Err(ServiceError::not_found("snapshot", id.as_str()).into()),
    }
}

pub(super) async fn delete(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    state.service.delete_snapshot(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
