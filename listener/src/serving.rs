//! Accepting connections, and serving each.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::Limits;
use crate::body::{Answered, Received};
use crate::places::{Place, Places};
use crate::stalling::Stalling;

/// The pause before connections are accepted again, when the system had none.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The smallest buffer that the protocol's implementation takes.
const BUFFER_MIN_BYTES: usize = 8 << 10;

/// Said to a client for which there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n\
    connection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves a router until `stop`, then lets answers under way end for
/// [`Limits::stop_timeout`].
///
/// Failures of single connections end these alone. Polled inside a tokio runtime
/// with I/O and time.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    serving(listener, None, router, limits, stop).await;
}

/// The same over TLS. Clients that do not speak it are given up.
pub async fn serve_tls(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    serving(listener, Some(acceptor), router, limits, stop).await;
}

async fn serving(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let limits = Arc::new(limits);
    let room = limits.bodies_max_bytes.max(limits.body_max_bytes);
    let places = Places::new(limits.connections_max, room);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            // The client has gone already.
            Err(error) if is_of_the_client(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                places.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = places.take(address.ip()) else {
            // As much as the system takes at once, without waiting for this client.
            if acceptor.is_none() {
                let _ = stream.try_write(NO_PLACE);
            }
            continue;
        };
        // Answers are written whole; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        let place = Arc::new(place);
        let (router, limits) = (router.clone(), Arc::clone(&limits));
        match &acceptor {
            None => {
                let stream = Stalling::new(stream, limits.answer_pause, Arc::clone(&place));
                connections.spawn(connection(stream, place, router, limits, stop.clone()));
            }
            Some(acceptor) => {
                let (acceptor, stop) = (acceptor.clone(), stop.clone());
                connections.spawn(async move {
                    let shaken = handshake(acceptor, stream, &place, &limits, &stop).await;
                    if let Some(stream) = shaken {
                        connection(stream, place, router, limits, stop).await;
                    }
                });
            }
        }
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    // Dropping the rest closes it.
    let _ = tokio::time::timeout(limits.stop_timeout, ended).await;
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// The stream of a client that speaks TLS, within the time of a head.
async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    place: &Arc<Place>,
    limits: &Limits,
    stop: &CancellationToken,
) -> Option<TlsStream<Stalling>> {
    let stream = Stalling::new(stream, limits.answer_pause, Arc::clone(place));
    let shaken = tokio::time::timeout(limits.head_timeout, acceptor.accept(stream));
    let shaken = tokio::select! {
        shaken = shaken => shaken.ok()?,
        () = place.given_up() => return None,
        () = stop.cancelled() => return None,
    };
    shaken
        .inspect_err(|error| tracing::debug!(%error, "a client does not speak TLS with us"))
        .ok()
}

/// Serves one connection to its end.
async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    place: Arc<Place>,
    router: Router,
    limits: Arc<Limits>,
    stop: CancellationToken,
) {
    let stream = TokioIo::new(stream);
    let served = {
        let (place, limits) = (Arc::clone(&place), Arc::clone(&limits));
        service_fn(move |request| {
            answer(
                request,
                router.clone(),
                Arc::clone(&place),
                Arc::clone(&limits),
            )
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(limits.headers_max_count)
        .max_header_size(limits.head_max_bytes)
        .max_buf_size(limits.head_max_bytes.max(BUFFER_MIN_BYTES))
        .serve_connection(stream, served);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = place.given_up() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn answer(
    request: Request<Incoming>,
    mut router: Router,
    place: Arc<Place>,
    limits: Arc<Limits>,
) -> Result<Response<Answered>, Infallible> {
    let mut response = if request.body().size_hint().lower() > limits.body_max_bytes {
        StatusCode::PAYLOAD_TOO_LARGE.into_response()
    } else {
        let received = |body| Body::new(Received::new(body, Arc::clone(&place), &limits));
        match router.call(request.map(received)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    };
    // Also where a handler keeps the body: it has answered.
    place.answers();
    if place.releases() {
        // Whatever the handler made of a body that broke off.
        let again = [(header::RETRY_AFTER, "5"), (header::CONNECTION, "close")];
        response = (StatusCode::SERVICE_UNAVAILABLE, again).into_response();
    }
    Ok(response.map(|inner| Answered { inner, place }))
}
