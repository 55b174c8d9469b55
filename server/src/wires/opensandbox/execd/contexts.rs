//! Contexts of code.

use axum::Json as Answer;
use axum::extract::{RawPathParams, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;
use crate::wires::contexts::{Context, DEFAULT, HOME};
use crate::wires::languages::check_context_language;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewContext {
    language: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Told {
    id: String,
    language: &'static str,
}

impl From<Context> for Told {
    fn from(context: Context) -> Self {
        Self {
            id: context.id,
            language: "python",
        }
    }
}

pub(super) async fn create(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Json(asked): Json<NewContext>,
) -> Result<Answer<Told>, ApiError> {
    check_context_language(asked.language.as_deref())?;
    let made = state.executions.create_context(&who, id, HOME).await?;
    Ok(Answer(made.into()))
}

pub(super) async fn list(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
) -> Result<Answer<Vec<Told>>, ApiError> {
    let found = state.executions.contexts(&who, id).await?;
    Ok(Answer(found.into_iter().map(Told::from).collect()))
}

pub(super) async fn get(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    params: RawPathParams,
) -> Result<Answer<Told>, ApiError> {
    let wanted = context_in(&params);
    let found = state.executions.contexts(&who, id).await?;
    match found.into_iter().find(|context| context.id == wanted) {
        Some(context) => Ok(Answer(context.into())),
        None => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "there is no such context",
        )),
    }
}

pub(super) async fn remove(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    params: RawPathParams,
) -> Result<StatusCode, ApiError> {
    let wanted = context_in(&params);
    state.executions.remove_context(&who, id, &wanted).await?;
    Ok(StatusCode::OK)
}

/// Removes the contexts of a language, which is Python for all of them.
pub(super) async fn remove_all(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
) -> Result<StatusCode, ApiError> {
    for context in state.executions.contexts(&who, id).await? {
        if context.id != DEFAULT {
            state
                .executions
                .remove_context(&who, id, &context.id)
                .await?;
        }
    }
    state.executions.restart_context(&who, id, DEFAULT).await?;
    Ok(StatusCode::OK)
}

fn context_in(params: &RawPathParams) -> String {
    let found = params.iter().find(|(key, _)| *key == "context");
    found.map_or_else(String::new, |(_, value)| value.to_owned())
}
