//! Health, figures, and the description of the API.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Who;
use super::docs;
use super::own::described;
use super::problem::Refusal;
use crate::service::Service;
use crate::tenants::Scope;

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(|| async { Json(described()) }))
        .route("/docs", get(docs::page))
}

/// Whether requests are taken.
async fn ready(State(service): State<Service>) -> (StatusCode, &'static str) {
    match service.is_ready() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

async fn version() -> Json<Value> {
    Json(json!({ "name": "memex", "version": env!("CARGO_PKG_VERSION") }))
}

/// Figures for Prometheus, with a key of the operator.
async fn metrics(State(service): State<Service>, Who(who): Who) -> Result<Response, Refusal> {
    who.require(Scope::Admin)?;
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], service.figures()).into_response())
}
