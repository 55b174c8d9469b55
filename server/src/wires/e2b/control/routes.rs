//! Which call is answered by which handler.

use axum::Router;
use axum::routing::{delete, get, post, put};

use super::super::state::E2b;
use super::{create, life, list, metrics, refused, states};

pub(in super::super) fn router(state: &E2b) -> Router {
    Router::new()
        .route("/sandboxes", get(list::running).post(create::create))
        .route("/v2/sandboxes", get(list::all).post(create::create))
        .route("/sandboxes/metrics", get(metrics::of_several))
        .route("/sandboxes/{id}", get(life::get).delete(life::delete))
        .route("/sandboxes/{id}/timeout", post(life::set_timeout))
        .route("/sandboxes/{id}/refreshes", post(life::refresh))
        .route("/sandboxes/{id}/connect", post(life::connect))
        .route("/v2/sandboxes/{id}/connect", post(life::connect))
        .route("/sandboxes/{id}/resume", post(life::resume))
        .route("/sandboxes/{id}/pause", post(life::pause))
        .route("/sandboxes/{id}/metrics", get(metrics::of_one))
        .route("/sandboxes/{id}/network", put(life::set_network))
        .route("/sandboxes/{id}/logs", get(metrics::logs))
        .route("/v2/sandboxes/{id}/logs", get(metrics::logs))
        .route("/sandboxes/{id}/snapshots", post(states::snapshot))
        .route("/sandboxes/{id}/fork", post(states::fork))
        .route("/snapshots", get(states::snapshots))
        .route(
            "/templates/{id}",
            delete(states::delete_snapshot).get(refused::template),
        )
        .fallback(refused::other)
        .with_state(state.clone())
}
