//! Which call is answered by which handler.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::routing::{delete, get, post};

use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;
use super::{code, commands, contexts, files, folders, metrics, transfer};

pub(in super::super) fn router(state: &OpenSandbox) -> Router {
    Router::new()
        .route("/ping", get(|_access: Access| async { StatusCode::OK }))
        .route("/code", post(code::run).delete(code::interrupt))
        .route("/code/context", post(contexts::create))
        .route(
            "/code/contexts",
            get(contexts::list).delete(contexts::remove_all),
        )
        .route(
            "/code/contexts/{context}",
            get(contexts::get).delete(contexts::remove),
        )
        .route("/command", post(commands::run).delete(code::interrupt))
        .route("/command/status/{command}", get(commands::none))
        .route("/command/{command}/logs", get(commands::none))
        .route("/files", delete(files::remove))
        .route("/files/info", get(files::info))
        .route("/files/mv", post(files::rename))
        .route("/files/permissions", post(files::permissions))
        .route("/files/replace", post(files::replace))
        .route("/files/search", get(folders::search))
        .route("/files/upload", post(transfer::upload))
        .route("/files/download", get(transfer::download))
        .route("/directories", post(folders::make).delete(folders::remove))
        .route("/directories/list", get(folders::list))
        .route("/metrics", get(metrics::now))
        .fallback(no_such_call)
        // Each handler has a bound of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(state.clone())
}

async fn no_such_call(_access: Access, uri: Uri) -> ApiError {
    let families = ["/session", "/v1/isolated", "/identity", "/metrics/watch"];
    match families
        .iter()
        .find(|family| uri.path().starts_with(*family))
    {
        Some(family) => ApiError::unsupported(format!(
            "calls of {family} are not supported\nhint: a sandbox has no processes and no users"
        )),
        None => ApiError::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "there is no such call\nhint: docs/serve-e2b.md lists those that there are",
        ),
    }
}
