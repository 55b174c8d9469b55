//! Where a request goes: to the control plane, or to a port of a sandbox.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;

use super::error::ApiError;
use super::state::OpenSandbox;
use super::target::{EGRESS_PORT, EXECD_PORT, KEY_HEADER, Target, nothing_listens};
use super::{control, execd};
use crate::error::ServiceError;
use crate::names::Id;
use crate::service::Service;
use crate::wires::executions::Executions;

const PREFIX: &str = "/opensandbox";

/// Whether a request is for this wire.
pub(crate) fn wants(parts: &Parts) -> bool {
    let rest = parts.uri.path().strip_prefix(PREFIX);
    rest.is_some_and(|rest| rest.starts_with('/')) || parts.headers.contains_key(KEY_HEADER)
}

/// The wire.
pub(crate) fn router(service: &Service, executions: &Executions) -> Router {
    let state = OpenSandbox::new(service, executions);
    let ports = Ports {
        control: control::router(&state),
        execd: execd::router(&state),
        egress: control::egress_router(&state),
    };
    Router::new().fallback(route).with_state(ports)
}

#[derive(Clone)]
struct Ports {
    control: Router,
    execd: Router,
    egress: Router,
}

async fn route(State(ports): State<Ports>, mut request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let router = match place(&path) {
        Place::Control(path) => {
            if let Err(error) = rewrite(&mut request, path) {
                return error.into_response();
            }
            ports.control
        }
        Place::Port(sandbox, port, path) => {
            let router = match port {
                EXECD_PORT => ports.execd,
                EGRESS_PORT => ports.egress,
                other => return nothing_listens(other).into_response(),
            };
            let Some(id) = Id::parse(sandbox) else {
                return ApiError::from(ServiceError::not_found("sandbox", sandbox)).into_response();
            };
            request.extensions_mut().insert(Target(id));
            if let Err(error) = rewrite(&mut request, path) {
                return error.into_response();
            }
            router
        }
    };
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// The control plane, and the path within it.
    Control(&'a str),
    /// A sandbox, a port, and the path there.
    Port(&'a str, u16, &'a str),
}

pub(super) fn place(path: &str) -> Place<'_> {
    let rest = path
        .strip_prefix(PREFIX)
        .filter(|rest| rest.starts_with('/'));
    let Some(rest) = rest else {
        return Place::Control(path);
    };
    let parts = rest.get(1..).and_then(|rest| {
        let (sandbox, rest) = rest.split_once('/')?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (port, path) = rest.split_at_checked(end)?;
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = is_number.then(|| port.parse().ok()).flatten()?;
        Some((sandbox, port, if path.is_empty() { "/" } else { path }))
    });
    match parts {
        Some((sandbox, port, path)) => Place::Port(sandbox, port, path),
        None => Place::Control(rest),
    }
}

/// Gives the request the path that the router behind knows.
fn rewrite(request: &mut Request, path: &str) -> Result<(), ApiError> {
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let uri: Uri = target
        .parse()
        .map_err(|_| ApiError::invalid("the path cannot be read"))?;
    *request.uri_mut() = uri;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_of_the_control_plane_or_of_a_port() {
        for (path, expected) in [
            ("/v1/sandboxes", Place::Control("/v1/sandboxes")),
            ("/opensandbox/v1/sandboxes", Place::Control("/v1/sandboxes")),
            (
                "/opensandbox/v1/sandboxes/a",
                Place::Control("/v1/sandboxes/a"),
            ),
            (
                "/opensandbox/abc/44772/code",
                Place::Port("abc", 44772, "/code"),
            ),
            (
                "/opensandbox/abc/44772/files/info",
                Place::Port("abc", 44772, "/files/info"),
            ),
            ("/opensandbox/abc/44772", Place::Port("abc", 44772, "/")),
            ("/opensandbox/abc/80/x", Place::Port("abc", 80, "/x")),
            ("/opensandbox/abc/+80/x", Place::Control("/abc/+80/x")),
            ("/opensandbox/", Place::Control("/")),
            ("/opensandboxes", Place::Control("/opensandboxes")),
        ] {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
