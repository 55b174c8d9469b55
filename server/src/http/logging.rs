//! Requests, counted, told to the log, and traced where there is a collector.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::names::Id;
use crate::operations::traces::{Span, TraceContext};
use crate::service::Service;

/// Names the request in its answer and in the log.
const HEADER: &str = "x-request-id";

/// Tells a client where its request stands in the trace.
const TRACE_RESPONSE: &str = "traceresponse";

/// The place in a trace of whoever asks. With two of them, which one counts is anybody's guess.
fn asked_by(request: &Request) -> Option<TraceContext> {
    let mut headers = request.headers().get_all("traceparent").iter();
    let header = headers.next()?;
    if headers.next().is_some() {
        return None;
    }
    TraceContext::parse(header.to_str().ok()?)
}

fn now_ns() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_nanos())
}

pub(super) async fn log(State(service): State<Service>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    // The query may hold a signature, and is left out.
    let path = request.uri().path().to_owned();
    let asked = asked_by(&request);
    let at = TraceContext::below(asked).filter(|at| at.is_sampled && service.traces().is_on());
    let began_ns = now_ns();
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
    let trace = at.map(|at| format!("{:032x}", at.trace));
    tracing::info!(%method, path, status = status.as_u16(), us = began.elapsed().as_micros() as u64, id, trace = trace.as_deref(), "request");
    if let Some(at) = at {
        service.traces().push(Span {
            at,
            parent: asked.map(|asked| asked.span),
            method: method.to_string(),
            path,
            status: status.as_u16(),
            began_ns,
            ended_ns: now_ns(),
        });
        if let Ok(told) = HeaderValue::try_from(at.header()) {
            response.headers_mut().insert(TRACE_RESPONSE, told);
        }
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HEADER, id);
    }
    response
}
