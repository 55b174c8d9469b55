//! Calls about files.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;
use super::shapes::Info;
use super::transfer::read_whole;
use crate::service::FileKind;
use crate::wires::uploads::UPLOAD_MAX_BYTES;

/// Paths of one request.
pub(super) const PATHS_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
pub(super) struct Rename {
    src: String,
    dest: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Replace {
    old: String,
    new: String,
}

pub(super) async fn info(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    RawQuery(query): RawQuery,
) -> Result<Answer<BTreeMap<String, Info>>, ApiError> {
    let mut found = BTreeMap::new();
    for path in paths_in(query.as_deref())? {
        let entry = state.service.stat(&who, &id, &path).await?;
        found.insert(path, Info::from(entry));
    }
    Ok(Answer(found))
}

pub(super) async fn remove(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    for path in paths_in(query.as_deref())? {
        let entry = state.service.stat(&who, &id, &path).await?;
        if entry.kind == FileKind::Folder {
            let message = format!("path is a directory: {path}\nhint: delete it as a directory");
            return Err(ApiError::invalid(message));
        }
        state.service.remove_file(&who, &id, &path).await?;
    }
    Ok(StatusCode::OK)
}

pub(super) async fn rename(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Json(asked): Json<Vec<Rename>>,
) -> Result<StatusCode, ApiError> {
    bounded(asked.len())?;
    for Rename { src, dest } in asked {
        state.service.move_file(&who, &id, &src, &dest).await?;
    }
    Ok(StatusCode::OK)
}

/// Files in a sandbox have no permissions and no owners, which nobody can change.
pub(super) async fn permissions(_access: Access) -> ApiError {
    ApiError::unsupported(
        "permissions cannot be set: files in a sandbox have none\nhint: leave the call out",
    )
}

/// Replaces a text wherever it occurs in a file.
pub(super) async fn replace(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Json(asked): Json<BTreeMap<String, Replace>>,
) -> Result<Answer<Value>, ApiError> {
    bounded(asked.len())?;
    let mut told = serde_json::Map::new();
    for (path, Replace { old, new }) in asked {
        if old.is_empty() {
            return Err(ApiError::invalid(
                "the text that is to be replaced is empty",
            ));
        }
        let (content, mut held) = read_whole(&state, &who, id, &path).await?;
        let Ok(text) = String::from_utf8(content) else {
            return Err(ApiError::invalid(format!("the file is no text: {path}")));
        };
        let count = text.matches(&old).count();
        if count > 0 {
            let growth = new.len().saturating_sub(old.len()).saturating_mul(count);
            if text.len().saturating_add(growth) > UPLOAD_MAX_BYTES {
                return Err(ApiError::invalid("the file would become too large"));
            }
            held.grow(text.len().saturating_add(growth))?;
            let body = vec![text.replace(&old, &new).into()];
            drop((text, held));
            state.service.write_file(&who, &id, &path, body).await?;
        }
        told.insert(path, json!({ "replacedCount": count }));
    }
    Ok(Answer(Value::Object(told)))
}

/// The paths of a query, which may have several.
pub(super) fn paths_in(query: Option<&str>) -> Result<Vec<String>, ApiError> {
    let query = query.unwrap_or_default();
    let found: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "path")
        .map(|(_, value)| value.into_owned())
        .collect();
    if found.is_empty() {
        return Err(ApiError::invalid("the query has no path"));
    }
    bounded(found.len())?;
    Ok(found)
}

pub(super) fn bounded(count: usize) -> Result<(), ApiError> {
    match count <= PATHS_MAX {
        true => Ok(()),
        false => Err(ApiError::invalid(format!(
            "there are more than {PATHS_MAX} paths\nhint: make several requests"
        ))),
    }
}
