//! Where a request goes: to the control plane, or to a port of a sandbox.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;

use super::address::{CODE_PORT, Destination, ENVD_PORT, destination, host_of};
use super::error::ApiError;
use super::state::E2b;
use super::target::Target;
use super::{code, control, envd};
use crate::names::Id;
use crate::service::Service;
use crate::wires::executions::Executions;

/// The paths of the control plane that no other wire has.
const PREFIXES: [&str; 10] = [
    "/v2",
    "/v3",
    "/sandboxes",
    "/snapshots",
    "/templates",
    "/volumes",
    "/volumecontent",
    "/secrets",
    "/teams",
    "/default-templates",
];

/// Whether a request is for this wire.
pub(crate) fn wants(parts: &Parts) -> bool {
    let authority = parts
        .uri
        .authority()
        .map(axum::http::uri::Authority::as_str);
    let host = host_of(&parts.headers, authority);
    if destination(&parts.headers, host) != Destination::Server {
        return true;
    }
    let path = parts.uri.path();
    let is_control = PREFIXES.iter().any(|prefix| {
        let rest = path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let is_signed = path == "/files"
        && parts
            .uri
            .query()
            .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("signature=")));
    is_control || is_signed || parts.headers.contains_key("x-api-key")
}

/// The wire.
pub(crate) fn router(service: &Service, executions: &Executions) -> Router {
    let state = E2b::new(service, executions);
    let parts = Ports {
        control: control::router(&state),
        envd: envd::router(&state),
        code: code::router(&state),
    };
    Router::new().fallback(route).with_state(parts)
}

#[derive(Clone)]
struct Ports {
    control: Router,
    envd: Router,
    code: Router,
}

async fn route(State(ports): State<Ports>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let authority = parts
        .uri
        .authority()
        .map(axum::http::uri::Authority::as_str);
    let host = host_of(&parts.headers, authority);
    let port = match destination(&parts.headers, host) {
        Destination::Unreadable(what) => return ApiError::invalid(what).into_response(),
        // A signed URL may name no sandbox.
        Destination::Server if parts.uri.path() == "/files" => ports.envd,
        Destination::Server => ports.control,
        Destination::Sandbox(address) => {
            let port = match address.port {
                ENVD_PORT => ports.envd,
                CODE_PORT => ports.code,
                other => return nothing_listens(other),
            };
            let Some(id) = Id::parse(&address.sandbox) else {
                return ApiError::sandbox_not_found().into_response();
            };
            parts.extensions.insert(Target(id));
            port
        }
    };
    let request = axum::http::Request::from_parts(parts, body);
    match port.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn nothing_listens(port: u16) -> Response {
    let message = format!(
        "The sandbox port is not open: nothing can listen on {port}\nhint: code in a \
         sandbox has no sockets; the ports are {ENVD_PORT} (files) and {CODE_PORT} (code)"
    );
    ApiError::new(axum::http::StatusCode::BAD_GATEWAY, message).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, headers: &[(&str, &str)], expected: bool) {
        let mut request = axum::http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(wants(&parts), expected, "{uri} {headers:?}");
    }

    #[test]
    fn the_wire_takes_what_its_clients_send_and_nothing_else() {
        check("/v2/sandboxes", &[], true);
        check("/sandboxes/abc", &[], true);
        check("/v1/sandboxes", &[], false);
        check("/v1/sandboxes", &[("x-api-key", "k")], true);
        check("/v21", &[], false);
        check("/files?path=a&signature=v1_x", &[], true);
        check("/files?path=signature=", &[], false);
        check("/files", &[("e2b-sandbox-id", "x")], true);
        let port = [("host", "49983-mdq3x7aa2bk5o6w7yz3c.e2b.test")];
        check("/files", &port, true);
        check("/v1/sandboxes", &[("host", "8700-abc.example.org")], false);
        check("/", &[("host", "127.0.0.1:4700")], false);
        // What contradicts itself is refused here and reaches no other wire.
        check(
            "/v1/x",
            &[("e2b-sandbox-id", ""), ("authorization", "k")],
            true,
        );
    }
}
