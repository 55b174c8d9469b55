//! Ports of sandboxes, and what clients send to them.

use axum::http::StatusCode;

use super::error::ApiError;
use crate::names::Id;

/// The port of the daemon.
pub(super) const EXECD_PORT: u16 = 44772;
/// The port of the sidecar for egress.
pub(super) const EGRESS_PORT: u16 = 18080;
/// The header with a tenant's key.
pub(super) const KEY_HEADER: &str = "open-sandbox-api-key";
/// The header with a sandbox's token.
pub(super) const TOKEN_HEADER: &str = "x-execd-access-token";

/// The sandbox that a request at one of its ports is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target(pub(super) Id);

/// What any other port answers.
pub(super) fn nothing_listens(port: u16) -> ApiError {
    let message = format!(
        "nothing can listen on port {port}: code in a sandbox has no sockets\nhint: the \
         ports are {EXECD_PORT} (code and files) and {EGRESS_PORT} (network policy)"
    );
    ApiError::new(StatusCode::NOT_FOUND, "PORT_NOT_OPEN", message)
}
