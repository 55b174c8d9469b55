//! Which call is answered by which handler.

use axum::Router;
use axum::routing::{get, post};

use super::super::state::OpenSandbox;
use super::{create, egress, life, list, snapshots};

pub(in super::super) fn router(state: &OpenSandbox) -> Router {
    Router::new()
        .route("/v1/sandboxes", get(list::list).post(create::create))
        .route("/v1/sandboxes/{id}", get(life::get).delete(life::delete))
        .route("/v1/sandboxes/{id}/endpoints/{port}", get(life::endpoint))
        .route("/v1/sandboxes/{id}/renew-expiration", post(life::renew))
        .route("/v1/sandboxes/{id}/pause", post(life::pause))
        .route("/v1/sandboxes/{id}/resume", post(life::resume))
        .route("/v1/sandboxes/{id}/networkpolicy", get(egress::of_sandbox))
        .route("/v1/sandboxes/{id}/snapshots", post(snapshots::create))
        .route("/v1/snapshots", get(snapshots::list))
        .route(
            "/v1/snapshots/{id}",
            get(snapshots::get).delete(snapshots::delete),
        )
        .route("/v1/metrics/events", post(life::telemetry))
        .fallback(life::no_such_call)
        .with_state(state.clone())
}
