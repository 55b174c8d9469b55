//! Which wire a request is for.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use tower::ServiceExt as _;

use super::executions::Executions;
use super::{e2b, opensandbox};
use crate::service::Service;

/// The wires before a router: what none of them takes is its.
///
/// A request is told apart by its headers and its host before its path is looked at,
/// since protocols share paths.
pub(crate) fn mounted(own: Router, service: &Service) -> Router {
    // One queue for the executions of a sandbox, whoever asks.
    let executions = Executions::new(service.clone());
    let all = All {
        e2b: e2b::router(service, &executions),
        opensandbox: opensandbox::router(service, &executions),
        own,
    };
    Router::new().fallback(dispatch).with_state(all)
}

#[derive(Clone)]
struct All {
    e2b: Router,
    opensandbox: Router,
    own: Router,
}

async fn dispatch(State(all): State<All>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let router = if e2b::wants(&parts) {
        all.e2b
    } else if opensandbox::wants(&parts) {
        all.opensandbox
    } else {
        all.own
    };
    match router.oneshot(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
