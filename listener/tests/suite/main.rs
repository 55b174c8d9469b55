//! Clients that hold connections, and clients that want answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::routing::{get, post};
use hyper::body::Frame;
use memex_listener::{Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longer than anything here takes, on a slow machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that lives as long as this.
struct Server {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
    _stop: DropGuard,
}

/// An answer that is made as it goes, and has no end.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 1 << 16])))))
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.connections_max = 64;
    limits.head_timeout = Duration::from_secs(30);
    limits
}

async fn server(limits: Limits) -> Server {
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route(
            "/count",
            post(|body: Bytes| async move { body.len().to_string() }),
        )
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                "slow"
            }),
        )
        .route(
            "/keep",
            post(|body: Bytes| async move {
                tokio::time::sleep(Duration::from_secs(2)).await;
                body.len().to_string()
            }),
        )
        .route("/never", get(std::future::pending::<StatusCode>))
        .route("/endless", get(|| async { Body::new(Endless) }))
        .route("/flood", get(|| async { Body::from(vec![b'x'; 64 << 20]) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(listener, router, limits, stop.clone()));
    Server {
        address,
        task,
        _stop: stop.clone().drop_guard(),
        stop,
    }
}

impl Server {
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// One whole request, and its answer.
    async fn ask(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        rest(&mut self.send(&request).await).await
    }
}

/// Everything that comes until the server closes. A connection that was reset
/// has nothing more to say.
async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said))
        .await
        .expect("the server keeps the connection open");
    String::from_utf8_lossy(&said).into_owned()
}

async fn is_open(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 64];
    let read = stream.read(&mut bytes);
    timeout(Duration::from_millis(200), read).await.is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_half_requests_keep_nobody_out() {
    let server = server(limits()).await;
    let mut held = Vec::new();
    for count in 0..3_000 {
        let half = ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\nx-more:"][count % 3];
        held.push(server.send(half).await);
        if count % 500 == 499 {
            assert!(server.ask("/").await.ends_with("here"), "after {count}");
        }
    }
    let mut open = 0;
    for stream in &mut held {
        let mut bytes = [0; 64];
        let read = stream.read(&mut bytes);
        open += usize::from(timeout(Duration::from_millis(2), read).await.is_err());
    }
    assert!(open <= limits().connections_max, "{open} are open");
    assert!(open > 0, "the youngest keep their places");
    assert!(server.ask("/").await.ends_with("here"));
}

#[tokio::test]
async fn a_half_head_and_a_silent_connection_end_in_time() {
    let mut limits = limits();
    limits.head_timeout = Duration::from_millis(500);
    let server = server(limits).await;
    for half in [
        "",
        "GET / HTTP/1.1\r\nhost: x\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let began = Instant::now();
        let mut stream = server.send(half).await;
        let said = rest(&mut stream).await;
        assert!(began.elapsed() >= Duration::from_millis(400), "{half:?}");
        // A whole request is answered; then the wait for the next one ends too.
        assert_eq!(said.contains("here"), half.ends_with("\r\n\r\n"), "{said}");
    }
}

#[tokio::test]
async fn a_head_that_drips_ends_in_time() {
    let mut limits = limits();
    limits.head_timeout = Duration::from_secs(1);
    let server = server(limits).await;
    let mut stream = server.send("GET / HTTP/1.1\r\nhost: x\r\n").await;
    let dripping = async {
        while stream.write_all(b"a: b\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, dripping)
        .await
        .expect("it is served for ever");
}

#[tokio::test]
async fn bodies_are_bounded_in_pauses_time_and_size() {
    let mut limits = limits();
    limits.body_pause = Duration::from_millis(500);
    limits.body_timeout = Duration::from_secs(2);
    limits.body_max_bytes = 1000;
    let server = server(limits).await;
    let post = |size: usize| {
        format!(
            "POST /count HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n"
        )
    };
    // The control, at the bound.
    let whole = format!("{}{}", post(1000), "x".repeat(1000));
    assert!(rest(&mut server.send(&whole).await).await.ends_with("1000"));
    // One past it, said and not said.
    let said = rest(&mut server.send(&post(1001)).await).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    let chunked = "POST /count HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{chunked}3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    let said = rest(&mut server.send(&chunk).await).await;
    assert!(said.starts_with("HTTP/1.1 4"), "{said}");
    // A pause, and a drip that never pauses.
    let said = rest(&mut server.send(&format!("{}abc", post(10))).await).await;
    assert!(said.starts_with("HTTP/1.1 4"), "{said}");
    let mut stream = server.send(&post(900)).await;
    let dripping = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, dripping)
        .await
        .expect("it is read for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_bodies_keep_nobody_out() {
    let server = server(limits()).await;
    let half = "POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc";
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(server.send(half).await);
    }
    assert!(server.ask("/").await.ends_with("here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_all_requests_together_are_bounded() {
    const BODY: usize = 100_000;
    let mut limits = limits();
    limits.body_max_bytes = BODY as u64;
    limits.bodies_max_bytes = 4 * BODY as u64;
    let server = server(limits).await;
    let post = |path: &str, size: usize, sent: usize| {
        let body = "x".repeat(sent);
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n{body}"
        )
    };
    // Almost whole bodies of many: those that are past the bound are given up.
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(server.send(&post("/count", BODY, BODY - 1)).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut open = 0;
    for stream in &mut held {
        open += usize::from(is_open(stream).await);
    }
    assert!((1..=4).contains(&open), "{open} are held");
    // They keep nobody out.
    let said = rest(&mut server.send(&post("/count", BODY, BODY)).await).await;
    assert!(said.ends_with("100000"), "{said}");
    drop(held);
    // Whole ones count while they are answered, and are not given up.
    let mut kept = Vec::new();
    for _ in 0..4 {
        kept.push(server.send(&post("/keep", BODY, BODY)).await);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let said = rest(&mut server.send(&post("/count", 1, 1)).await).await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    for stream in &mut kept {
        assert!(rest(stream).await.ends_with("100000"));
    }
    let said = rest(&mut server.send(&post("/count", 1, 1)).await).await;
    assert!(said.ends_with("\r\n\r\n1"), "{said}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_connection() {
    let mut limits = limits();
    limits.answer_pause = Duration::from_millis(500);
    limits.connections_max = 1;
    let server = server(limits).await;
    let mut stream = server.send("GET /flood HTTP/1.1\r\nhost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // The only place is free again.
    assert!(server.ask("/").await.ends_with("here"));
    let said = rest(&mut stream).await;
    assert!(said.len() < 64 << 20, "all of it was sent");
}

/// Long before its pause is over: an answer that is made as it goes is never at its end.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_take_nothing_keep_nobody_out() {
    let mut limits = limits();
    limits.connections_max = 2;
    assert!(limits.answer_pause > Duration::from_secs(10));
    let server = server(limits).await;
    let request = "GET /endless HTTP/1.1\r\nhost: x\r\n\r\n";
    let (_first, _second) = (server.send(request).await, server.send(request).await);
    let began = Instant::now();
    while !server.ask("/").await.ends_with("here") {
        assert!(began.elapsed() < Duration::from_secs(8), "nobody gets in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_is_being_answered_is_not_given_up_for_others() {
    let mut limits = limits();
    limits.connections_max = 2;
    let server = server(limits).await;
    let request = "GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut first = server.send(request).await;
    let mut second = server.send(request).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let refused = server.ask("/").await;
    assert!(
        refused.is_empty() || refused.starts_with("HTTP/1.1 503 "),
        "{refused}"
    );
    assert!(rest(&mut first).await.ends_with("slow"));
    assert!(rest(&mut second).await.ends_with("slow"));
    assert!(server.ask("/").await.ends_with("here"));
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = server(limits()).await;
    let head = |count: usize, size: usize| {
        let more = format!("x: {}\r\n", "y".repeat(size)).repeat(count);
        format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n")
    };
    let said = rest(&mut server.send(&head(98, 100)).await).await;
    assert!(said.ends_with("here"), "{said}");
    for (count, size) in [(99, 100), (1, 70 << 10)] {
        let said = rest(&mut server.send(&head(count, size)).await).await;
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 431 "),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_its_answers_first() {
    let mut limits = limits();
    limits.stop_timeout = Duration::from_secs(10);
    let server = server(limits).await;
    let mut idle = server.send("").await;
    let mut slow = server.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut never = server.send("GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(is_open(&mut never).await && is_open(&mut idle).await);
    server.stop.cancel();
    assert!(rest(&mut slow).await.ends_with("slow"));
    assert_eq!(rest(&mut idle).await, "");
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert_eq!(rest(&mut never).await, "");
}
