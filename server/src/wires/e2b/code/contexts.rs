//! Contexts of the code interpreter.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::super::envd::Access;
use super::super::error::{ApiError, TextError, at_port};
use super::super::state::E2b;
use super::execute::read;
use crate::wires::contexts::{Context, HOME};
use crate::wires::languages::check_context_language;

const FOLDER_MAX_BYTES: usize = 4_096;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewContext {
    language: Option<String>,
    cwd: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Told {
    id: String,
    language: &'static str,
    cwd: String,
}

impl From<Context> for Told {
    fn from(context: Context) -> Self {
        Self {
            id: context.id,
            language: "python",
            cwd: context.folder,
        }
    }
}

pub(super) async fn health(_access: Access) -> &'static str {
    "OK"
}

pub(super) async fn create(
    State(state): State<E2b>,
    Access { who, id }: Access,
    request: Request,
) -> Result<Json<Told>, TextError> {
    let asked: NewContext = read(request).await?;
    check_context_language(asked.language.as_deref())?;
    let folder = asked.cwd.filter(|folder| !folder.is_empty());
    let folder = folder.unwrap_or_else(|| HOME.to_owned());
    if folder.len() > FOLDER_MAX_BYTES || folder.contains('\0') {
        return Err(ApiError::invalid("the field cwd holds no path").into());
    }
    let made = state.executions.create_context(&who, id, &folder).await;
    Ok(Json(made.map_err(at_port)?.into()))
}

pub(super) async fn list(
    State(state): State<E2b>,
    Access { who, id }: Access,
) -> Result<Json<Vec<Told>>, TextError> {
    let found = state.executions.contexts(&who, id).await.map_err(at_port)?;
    Ok(Json(found.into_iter().map(Told::from).collect()))
}

pub(super) async fn remove(
    State(state): State<E2b>,
    Access { who, id }: Access,
    Path(context): Path<String>,
) -> Result<StatusCode, TextError> {
    let removed = state.executions.remove_context(&who, id, &context).await;
    removed.map_err(at_port)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn restart(
    State(state): State<E2b>,
    Access { who, id }: Access,
    Path(context): Path<String>,
) -> Result<StatusCode, TextError> {
    let restarted = state.executions.restart_context(&who, id, &context).await;
    restarted.map_err(at_port)?;
    Ok(StatusCode::NO_CONTENT)
}
