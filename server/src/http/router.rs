//! All of it: wires first, then the own API.

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};

use super::problem::Refusal;
use super::{console, logging, operations, own, paying};
use crate::error::{ErrorKind, ServiceError};
use crate::service::Service;
use crate::wires;

/// Everything that the server answers.
pub fn router(service: &Service) -> Router {
    let own = own::router()
        .merge(operations::router())
        .merge(console::router())
        .fallback(nothing_there)
        .method_not_allowed_fallback(not_so)
        .with_state(service.clone());
    wires::mounted(own, service)
        .layer(from_fn(paying::pay))
        .layer(from_fn_with_state(service.clone(), logging::log))
}

async fn nothing_there(uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(200).collect();
    let what = format!("there is nothing at {path}");
    ServiceError::new(
        ErrorKind::NotFound,
        "no-route",
        what,
        "see /docs for what there is",
    )
    .into()
}

async fn not_so(method: Method, uri: Uri) -> axum::response::Response {
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    let path: String = uri.path().chars().take(200).collect();
    let what = format!("{path} does not take {method}");
    let error = ServiceError::invalid(what, "see /docs for what it takes");
    let mut response = Refusal(error).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
