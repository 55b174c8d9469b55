//! Calls about folders.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::{Query, RawQuery, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;
use super::files::{bounded, paths_in};
use super::glob::matches;
use super::shapes::Info;
use crate::service::FileKind;

/// How deep a search goes.
const DEPTH_MAX: u32 = 64;
const PATTERN_MAX_BYTES: usize = 1_024;

#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    path: String,
    #[serde(default)]
    depth: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    path: String,
    #[serde(default)]
    pattern: Option<String>,
}

/// Makes folders, and those on the way. Those that are there stay as they are.
pub(super) async fn make(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Json(asked): Json<BTreeMap<String, Value>>,
) -> Result<StatusCode, ApiError> {
    bounded(asked.len())?;
    for path in asked.keys() {
        state.service.make_folder(&who, &id, path).await?;
    }
    Ok(StatusCode::OK)
}

pub(super) async fn remove(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    for path in paths_in(query.as_deref())? {
        let entry = state.service.stat(&who, &id, &path).await?;
        if entry.kind != FileKind::Folder {
            let message = format!("path is not a directory: {path}\nhint: delete it as a file");
            return Err(ApiError::invalid(message));
        }
        state.service.remove_file(&who, &id, &path).await?;
    }
    Ok(StatusCode::OK)
}

pub(super) async fn list(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Query(asked): Query<Listing>,
) -> Result<Answer<Vec<Info>>, ApiError> {
    let depth = asked.depth.unwrap_or(1).clamp(1, DEPTH_MAX);
    let found = state.service.list_folder(&who, &id, &asked.path, depth);
    Ok(Answer(found.await?.into_iter().map(Info::from).collect()))
}

/// Finds files by a pattern of their names.
pub(super) async fn search(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Query(asked): Query<Search>,
) -> Result<Answer<Vec<Info>>, ApiError> {
    let pattern = asked.pattern.as_deref().unwrap_or("**");
    if pattern.len() > PATTERN_MAX_BYTES {
        return Err(ApiError::invalid("the pattern is longer than 1024 bytes"));
    }
    let folder = state.service.stat(&who, &id, &asked.path).await?.path;
    let found = state
        .service
        .list_folder(&who, &id, &asked.path, DEPTH_MAX)
        .await?;
    let is_wanted = |path: &str| {
        let name = path.strip_prefix(folder.as_str()).unwrap_or(path);
        matches(pattern, name.trim_start_matches('/'))
    };
    let found = found
        .into_iter()
        .filter(|entry| entry.kind == FileKind::File && is_wanted(&entry.path));
    Ok(Answer(found.map(Info::from).collect()))
}
