//! Which call is answered by which handler.

use axum::Router;
use axum::routing::{delete, get, post};

use super::super::state::E2b;
use super::{contexts, execute};

pub(in super::super) fn router(state: &E2b) -> Router {
    Router::new()
        .route("/health", get(contexts::health))
        .route("/execute", post(execute::execute))
        .route("/contexts", get(contexts::list).post(contexts::create))
        .route("/contexts/{id}", delete(contexts::remove))
        .route("/contexts/{id}/restart", post(contexts::restart))
        .with_state(state.clone())
}
