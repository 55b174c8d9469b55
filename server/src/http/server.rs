//! Serving the service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use memex_listener::{Limits, TlsAcceptor};
use memex_tls::Certificates;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::router::router;
use crate::error::{ErrorKind, ServiceError};
use crate::service::Service;

/// How long agents that are stopped have to write their records' ends.
const AGENTS_WAIT: Duration = Duration::from_secs(5);

/// How the server listens.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Connections at once. Default: 10,000.
    pub connections_max: usize,
    /// Bytes of a request's body. Default: 64 MiB.
    pub body_max_bytes: u64,
    /// Bytes of all bodies that are held. Default: 256 MiB.
    pub bodies_max_bytes: u64,
    /// How long turns have to end when the server stops. Default: 30 s.
    pub grace: Duration,
    /// The certificate of a server that speaks TLS. Default: none, and plain HTTP.
    pub certificates: Option<Arc<Certificates>>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            body_max_bytes: 64 << 20,
            bodies_max_bytes: 256 << 20,
            grace: Duration::from_secs(30),
            certificates: None,
        }
    }
}

/// Binds an address. One that other machines can reach is refused as long as there is no
/// key.
///
/// # Errors
/// `no-keys`, and what the system says.
pub async fn bind(service: &Service, address: SocketAddr) -> Result<TcpListener, ServiceError> {
    if !address.ip().is_loopback() && !service.has_keys() {
        return Err(ServiceError::new(
            ErrorKind::Forbidden,
            "no-keys",
            format!("{address} can be reached from other machines, and there is no key"),
            "make one with `memex key add`, or listen at 127.0.0.1",
        ));
    }
    TcpListener::bind(address).await.map_err(|error| {
        ServiceError::new(
            ErrorKind::Unavailable,
            "cannot-listen",
            format!("cannot listen at {address}: {error}"),
            "choose another address with --listen; port 0 takes any that is free",
        )
    })
}

/// Serves until `stop`; then takes no more work, lets turns end, and saves everything.
/// When `hurry` comes, turns are interrupted.
pub async fn serve(
    service: Service,
    listener: TcpListener,
    options: ServeOptions,
    stop: CancellationToken,
    hurry: CancellationToken,
) {
    let acceptor = match options.certificates.map(|own| own.server_config()) {
        None => None,
        Some(Ok(config)) => Some(TlsAcceptor::from(config)),
        Some(Err(error)) => {
            tracing::error!(%error, "TLS cannot be set up");
            return;
        }
    };
    let mut limits = Limits::default();
    limits.connections_max = options.connections_max;
    limits.body_max_bytes = options.body_max_bytes;
    limits.bodies_max_bytes = options.bodies_max_bytes;
    limits.stop_timeout = Duration::from_secs(1);
    let closed = CancellationToken::new();
    let (router, until) = (router(&service), closed.clone());
    let serving = match acceptor {
        None => tokio::spawn(memex_listener::serve(listener, router, limits, until)),
        Some(acceptor) => tokio::spawn(memex_listener::serve_tls(
            listener, acceptor, router, limits, until,
        )),
    };
    stop.cancelled().await;
    // Connections stay for the answers under way, and for the refusals of new requests.
    service.stop_agents(AGENTS_WAIT).await;
    service.drain(options.grace, hurry).await;
    service.end_telling().await;
    closed.cancel();
    if serving.await.is_err() {
        tracing::error!("serving met a fault");
    }
}
