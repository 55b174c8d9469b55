//! The network policy of a sandbox: everything is denied, and stays so.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::execd::Access;
use super::super::state::OpenSandbox;
use super::request::{Key, Named};

/// The port of the sidecar.
pub(in super::super) fn router(state: &OpenSandbox) -> Router {
    Router::new()
        .route("/policy", get(policy).fallback(fixed))
        .route("/healthz", get(|_access: Access| async { "ok" }))
        .fallback(fixed)
        .with_state(state.clone())
}

pub(super) async fn of_sandbox(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Named(id): Named,
) -> Result<Json<Value>, ApiError> {
    state.service.get(&who, &id).await?;
    Ok(Json(told()))
}

async fn policy(_access: Access) -> Json<Value> {
    Json(told())
}

fn told() -> Value {
    json!({
        "status": "ok",
        "mode": "deny_all",
        "enforcementMode": "none",
        "policy": { "defaultAction": "deny", "egress": [] },
    })
}

async fn fixed(_access: Access) -> ApiError {
    ApiError::unsupported(
        "the network policy cannot be changed: code in a sandbox has no network\n\
         hint: give it tools that fetch, through the server's own API",
    )
}
