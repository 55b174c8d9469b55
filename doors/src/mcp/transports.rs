//! The two ways to an MCP server: standard streams, and HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use memex_listener::{Limits, serve};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::io::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::measured::{MeasuredLines, measure};
use super::origins::{LOOPBACK, share};
use crate::error::Error;

/// The path of a server over HTTP.
pub const PATH: &str = "/mcp";
/// The longest message of a client over standard streams; a longer one is left out.
pub const MESSAGE_BYTES_MAX: usize = 32 << 20;
/// Clients at once. One that has been silent for five minutes is none.
const SESSIONS_MAX: usize = 256;
/// Hosts of this machine, whose pages at the server's own port are its own.
const OWN_HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
/// What a request names its session by.
const SESSION_HEADER: &str = "mcp-session-id";

/// Serves one client over standard input and output, until it goes.
///
/// # Errors
/// [`Error::Protocol`] if the client does not speak MCP.
pub async fn serve_stdio(handler: impl ServerHandler) -> Result<(), Error> {
    let (input, output) = stdio_pipes();
    let transport = AsyncRwTransport::new_server(MeasuredLines::new(input), output)
        .with_max_line_length(MESSAGE_BYTES_MAX);
    let running = match handler.serve(transport).await {
        Ok(running) => running,
        // It went before it said anything, as those do that look whether a server starts.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(Error::Protocol(error.to_string())),
    };
    let ended = running.waiting().await;
    ended.map_err(|error| Error::Protocol(error.to_string()))?;
    Ok(())
}

/// Pages of browsers that may use a server over HTTP. No others may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// Those of its own origin.
    Own,
    /// Those of this machine at any port, where the server listens at a loopback address.
    Loopback,
}

/// Serves any number of clients over streamable HTTP at [`PATH`]; `handler` makes what answers
/// one of them. `ready` is given the address, which matters when port 0 was asked for.
///
/// Requests whose `Host` is none of the loopback names or `hosts` are refused,
/// and so are those of pages other than `pages`. Past 256 clients at
/// once, further ones are told to try again later. Connections, and what a client
/// may hold and for how long, are bounded by the defaults of
/// [`Limits`], and what a message takes as values by 64 MiB.
///
/// # Errors
/// [`Error::Listen`].
pub async fn serve_http<S: ServerHandler>(
    handler: impl Fn() -> S + Send + Sync + 'static,
    address: SocketAddr,
    hosts: &[String],
    pages: Pages,
    stop: CancellationToken,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let mut config = StreamableHttpServerConfig::default()
        .enforce_origin_validation()
        .with_allowed_origins(OWN_HOSTS.map(|host| format!("http://{host}:{}", bound.port())));
    config.cancellation_token = stop.clone();
    config.allowed_hosts.extend(hosts.iter().cloned());
    let shares = pages == Pages::Loopback && address.ip().is_loopback();
    if shares {
        config.allowed_origins = LOOPBACK.map(str::to_owned).to_vec();
    }
    let sessions = Arc::new(LocalSessionManager::default());
    let counted = Arc::clone(&sessions);
    let http = StreamableHttpService::new(move || Ok(handler()), sessions, config);
    ready(bound);
    let router = Router::new()
        .nest_service(PATH, http)
        .layer(from_fn(measure))
        .layer(from_fn(move |request: Request, next: Next| {
            admit(Arc::clone(&counted), request, next)
        }));
    let router = match shares {
        true => router.layer(from_fn(share)),
        false => router,
    };
    serve(listener, router, Limits::default(), stop).await;
    Ok(())
}

/// Lets a request pass unless it would begin one session too many.
async fn admit(sessions: Arc<LocalSessionManager>, request: Request, next: Next) -> Response {
    let begins = !request.headers().contains_key(SESSION_HEADER);
    if begins && sessions.sessions.read().await.len() >= SESSIONS_MAX {
        let what = "there are as many clients as the server takes; try again later";
        return (StatusCode::SERVICE_UNAVAILABLE, what).into_response();
    }
    next.run(request).await
}
