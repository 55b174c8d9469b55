//! Requests, counted and told to the log.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::names::Id;
use crate::service::Service;

/// Names the request in its answer and in the log.
const HEADER: &str = "x-request-id";

pub(super) async fn log(State(service): State<Service>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    // The query may hold a signature, and is left out.
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let metrics = service.metrics();
    metrics.requests.add(1);
    // 501 and 502 are what wires answer for calls and sandboxes that are not there.
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        metrics.faults.add(1);
    }
    if status.as_u16() == 429 {
        metrics.refused_by_quota.add(1);
    }
    let id = Id::random().map(|id| id.to_string()).unwrap_or_default();
    tracing::info!(%method, path, status = status.as_u16(), us = began.elapsed().as_micros() as u64, id, "request");
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HEADER, id);
    }
    response
}
