//! How long a request may take.

use super::{limited, url};
use crate::servers::{Reply, Server};
use crate::world::{egress, get, grant, send};
use futures_util::future::BoxFuture;
use memex_external::egress::{Dial, HttpError, HttpLimits};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_response_that_trickles_in_hits_the_timeout() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    let replies: [fn(Vec<u8>) -> Reply; 4] = [
        |head| Reply::Drip(head),
        |_| Reply::Drip(b"HTTP/1.1 200 OK\r\nx: ".to_vec()),
        |head| Reply::Hang(head),
        |_| Reply::Hang(Vec::new()),
    ];
    for reply in replies {
        let head = head.clone();
        let server = Server::start(move |_| reply(head.clone())).await;
        let limits = HttpLimits {
            total_timeout_ms: 200,
            ..HttpLimits::default()
        };
        let error = send(&limited(&server, limits), get(url(&server)))
            .await
            .unwrap_err();
        let expected = format!(
            "GET http://example.test:{} took longer than 200 ms",
            server.port
        );
        assert_eq!(
            (error.to_string(), error.class()),
            (expected, "TimeoutError")
        );
        // The connection is gone with the request.
        server.departure().await;
    }
}

#[tokio::test]
async fn the_shortest_of_the_times_counts() {
    let server = Server::start(|_| Reply::Hang(Vec::new())).await;
    let egress = limited(&server, HttpLimits::default());
    let mut own = get(url(&server));
    own.timeout = Some(Duration::from_millis(50));
    let mut calls = get(url(&server));
    calls.deadline = Some(Instant::now() + Duration::from_millis(50));
    for request in [own, calls] {
        let error = send(&egress, request).await.unwrap_err();
        let HttpError::TimedOut { limit_ms, .. } = error else {
            panic!("{error}");
        };
        assert!(limit_ms <= 50);
    }
    let mut late = get(url(&server));
    late.deadline = Some(Instant::now());
    assert_eq!(
        send(&egress, late).await.unwrap_err().class(),
        "TimeoutError"
    );
}

/// Neither refuses nor connects.
struct Void;

impl Dial for Void {
    fn dial(&self, _address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn connecting_has_a_time_of_its_own() {
    let limits = HttpLimits {
        connect_timeout_ms: 50,
        ..HttpLimits::default()
    };
    let egress = egress([grant("example.test", 80)])
        .limits(limits)
        .dialer(Void)
        .build()
        .unwrap();
    let error = send(&egress, get("http://example.test/"))
        .await
        .unwrap_err();
    let expected = "connecting to http://example.test took longer than 50 ms";
    assert_eq!(
        (error.to_string().as_str(), error.class()),
        (expected, "TimeoutError")
    );
}
