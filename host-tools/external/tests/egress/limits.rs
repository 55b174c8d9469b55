//! Every limit at its bound and one past it; time, order and cancellation.

mod times;

use crate::servers::{Reply, Server, answer, ok};
use crate::world::{egress, get, grant, header, send, with_header};
use futures_util::future::FutureExt;
use memex_external::egress::{Egress, HttpError, HttpLimits, HttpRequest};
use std::io::Write;
use std::pin::pin;
use std::time::Duration;

fn limited(server: &Server, limits: HttpLimits) -> Egress {
    egress([grant("example.test", server.port)])
        .limits(limits)
        .build()
        .unwrap()
}

fn url(server: &Server) -> String {
    format!("http://example.test:{}/", server.port)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut compressed, 4096, 5, 22);
    encoder.write_all(bytes).unwrap();
    drop(encoder);
    compressed
}

fn chunked(bytes: &[u8]) -> Reply {
    let mut wire = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in bytes.chunks(100) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    Reply::Whole(wire)
}

fn until_closed(bytes: &[u8]) -> Reply {
    let mut wire = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    wire.extend_from_slice(bytes);
    Reply::Whole(wire)
}

fn compressed(encoding: &str, bytes: &[u8]) -> Reply {
    answer("200 OK", &[("content-encoding", encoding)], bytes)
}

type Framing = fn(&[u8]) -> Reply;

#[tokio::test]
async fn bodies_are_read_to_the_bound_in_every_framing() {
    let framings: [(&str, Framing); 5] = [
        ("length", |body| ok(body)),
        ("chunked", chunked),
        ("until closed", until_closed),
        ("gzip", |body| compressed("gzip", &gzip(body))),
        ("br", |body| compressed("br", &brotli(body))),
    ];
    for (name, framing) in framings {
        for len in [999, 1000, 1001] {
            let server = Server::start(move |_| framing(&vec![b'a'; len])).await;
            let limits = HttpLimits {
                response_body_max_bytes: 1000,
                ..HttpLimits::default()
            };
            let outcome = send(&limited(&server, limits), get(url(&server))).await;
            if len <= 1000 {
                let response = outcome.unwrap();
                assert_eq!(response.body, vec![b'a'; len], "{name}");
                assert_eq!(header(&response, "content-encoding"), Vec::<&str>::new());
                continue;
            }
            let origin = format!("http://example.test:{}", server.port);
            let expected = HttpError::ResponseTooLarge {
                origin,
                limit_name: "http_response_bytes",
                limit: 1000,
            };
            assert_eq!(outcome.unwrap_err(), expected, "{name}");
        }
    }
}

/// Eight megabytes in a few kilobytes, the limit between the two.
#[tokio::test]
async fn a_bomb_does_not_unfold() {
    type Compress = fn(&[u8]) -> Vec<u8>;
    let large = vec![0; 8 << 20];
    for (encoding, compress) in [("gzip", gzip as Compress), ("br", brotli)] {
        let bomb = compress(&large);
        assert!(bomb.len() < 1 << 16, "{encoding}: {}", bomb.len());
        let server = Server::start(move |_| compressed(encoding, &bomb)).await;
        let limits = HttpLimits {
            response_body_max_bytes: 1 << 20,
            ..HttpLimits::default()
        };
        let error = send(&limited(&server, limits), get(url(&server)))
            .await
            .unwrap_err();
        assert_eq!(error.class(), "ConnectionError");
        let expected = format!(
            "the response of http://example.test:{} exceeds `http_response_bytes` (1048576)",
            server.port
        );
        assert_eq!(error.to_string(), expected);
        // With room for it, it does.
        let egress = limited(&server, HttpLimits::default());
        let response = send(&egress, get(url(&server))).await.unwrap();
        assert_eq!(response.body.len(), 8 << 20);
    }
}

#[tokio::test]
async fn an_encoding_that_is_not_read_is_passed_on_as_it_is() {
    let server = Server::start(|_| compressed("zstd", b"opaque")).await;
    let response = send(&limited(&server, HttpLimits::default()), get(url(&server)))
        .await
        .unwrap();
    assert_eq!(response.body, b"opaque");
    assert_eq!(header(&response, "content-encoding"), ["zstd"]);
}

#[tokio::test]
async fn headers_of_responses_have_a_bound_of_count_and_of_bytes() {
    // Each has a name of one byte and a value of 99; `content-length` and its `0` make 15.
    let reply = |count: usize| {
        let value = "v".repeat(99);
        answer("200 OK", &vec![("x", value.as_str()); count], b"")
    };
    for count in [9, 10, 11, 2000] {
        let server = Server::start(move |_| reply(count)).await;
        let bounds = [
            (11, 1 << 20, "response_headers_max_count", 11),
            (100, 1015, "response_headers_max_bytes", 1015),
        ];
        for (count_max, bytes_max, limit_name, limit) in bounds {
            let limits = HttpLimits {
                response_headers_max_count: count_max,
                response_headers_max_bytes: bytes_max,
                ..HttpLimits::default()
            };
            let outcome = send(&limited(&server, limits), get(url(&server))).await;
            match count {
                9 | 10 => assert_eq!(header(&outcome.unwrap(), "x").len(), count),
                11 => {
                    let origin = format!("http://example.test:{}", server.port);
                    let expected = HttpError::ResponseTooLarge {
                        origin,
                        limit_name,
                        limit,
                    };
                    assert_eq!(outcome.unwrap_err(), expected);
                }
                // Far beyond, the head is not read to its end.
                _ => {
                    let message = outcome.unwrap_err().to_string();
                    assert!(
                        message.ends_with("has far more headers than are read"),
                        "{message}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_bounded() {
    let server = Server::start(|_| {
        let mut head = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
        head.resize(1 << 20, b'a');
        Reply::Hang(head)
    })
    .await;
    let error = send(&limited(&server, HttpLimits::default()), get(url(&server)))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("has far more headers than are read"),
        "{error}"
    );
}

#[tokio::test]
async fn requests_have_bounds_of_url_headers_and_body() {
    let server = Server::with_body("").await;
    let base = url(&server);
    let limits = HttpLimits {
        url_max_bytes: base.len() + 10,
        request_headers_max_count: 2,
        request_headers_max_bytes: 20,
        request_body_max_bytes: 5,
        ..HttpLimits::default()
    };
    let egress = limited(&server, limits);
    let with_url = |len| get(format!("{base}{}", "p".repeat(len)));
    let with_headers =
        |count| (0..count).fold(get(&base), |r, n| with_header(r, &format!("x-{n}"), "1"));
    let with_value = |len: usize| with_header(get(&base), "name", &"v".repeat(len));
    let with_body = |len| HttpRequest {
        body: vec![0; len],
        ..HttpRequest::new("POST", &base)
    };
    let cases = [
        (
            with_url(10),
            with_url(11),
            "URL",
            "url_max_bytes",
            base.len() + 10,
        ),
        (
            with_headers(2),
            with_headers(3),
            "headers",
            "request_headers_max_count",
            2,
        ),
        (
            with_value(16),
            with_value(17),
            "headers",
            "request_headers_max_bytes",
            20,
        ),
        (with_body(5), with_body(6), "body", "http_request_bytes", 5),
    ];
    for (at_bound, past, what, limit_name, limit) in cases {
        send(&egress, at_bound).await.unwrap();
        let before = server.connections();
        let error = send(&egress, past).await.unwrap_err();
        let expected = format!(
            "the request's {what} exceeds `{limit_name}` ({} > {limit})",
            limit + 1
        );
        assert_eq!((error.to_string(), error.class()), (expected, "ValueError"));
        assert_eq!(server.connections(), before);
    }
}

#[tokio::test]
async fn a_session_has_so_many_requests_hops_included() {
    let server = Server::start(|request| match request.path() {
        "/hop" => crate::servers::redirect(302, "/"),
        _ => ok(b""),
    })
    .await;
    let limits = HttpLimits {
        requests_per_session_max: 3,
        ..HttpLimits::default()
    };
    let egress = limited(&server, limits);
    let other = egress.clone();
    let base = url(&server);
    send(&egress, get(format!("{base}hop"))).await.unwrap();
    // What is refused by rule costs nothing.
    send(&egress, get("https://evil.test/")).await.unwrap_err();
    send(&other, get(&base)).await.unwrap();
    let error = send(&egress, get(&base)).await.unwrap_err();
    let expected = "this session has used up `http_requests` (3)";
    assert_eq!(
        (error.to_string().as_str(), error.class()),
        (expected, "PermissionError")
    );
    assert_eq!(server.connections(), 3);
    // Another session has a count of its own; one that has ended, none.
    egress.request("another", get(&base)).await.unwrap();
    send(&egress, get(&base)).await.unwrap_err();
    egress.end_session("session");
    send(&egress, get(&base)).await.unwrap();
}

#[tokio::test]
async fn the_quietest_session_is_forgotten_and_none_at_work() {
    let server = Server::start(|request| match request.path() {
        "/hang" => Reply::Hang(Vec::new()),
        _ => ok(b""),
    })
    .await;
    let limits = HttpLimits {
        requests_per_session_max: 1,
        sessions_max: 2,
        ..HttpLimits::default()
    };
    let egress = limited(&server, limits);
    let base = url(&server);
    egress.request("first", get(&base)).await.unwrap();
    egress.request("second", get(&base)).await.unwrap();
    egress.request("second", get(&base)).await.unwrap_err();
    // Takes the place of the first, which counts from zero when it comes back.
    egress.request("third", get(&base)).await.unwrap();
    egress.request("third", get(&base)).await.unwrap_err();
    egress.request("first", get(&base)).await.unwrap();

    egress.end_session("first");
    egress.end_session("third");
    let hang = |session| egress.request(session, get(format!("{base}hang"))).boxed();
    let (one, two) = (hang("fourth"), hang("fifth"));
    let more = async {
        // Both are under way once their requests have come.
        while server
            .requests()
            .iter()
            .filter(|r| r.path() == "/hang")
            .count()
            < 2
        {
            server.arrival().await;
        }
        egress.request("sixth", get(&base)).await.unwrap_err()
    };
    let error = tokio::select! {
        error = more => error,
        other = futures_util::future::join(one, two) => panic!("{other:?}"),
    };
    assert_eq!(
        error.to_string(),
        "this session has used up `sessions_max` (2)"
    );
    egress.request("sixth", get(&base)).await.unwrap();
}

#[tokio::test]
async fn requests_beyond_the_concurrent_ones_wait_for_their_turn() {
    let server = Server::start(|request| match request.path() {
        "/hang" => Reply::Hang(Vec::new()),
        _ => ok(b"done"),
    })
    .await;
    let limits = HttpLimits {
        concurrent_per_session_max: 1,
        waiting_per_session_max: 1,
        ..HttpLimits::default()
    };
    let egress = limited(&server, limits);
    let base = url(&server);
    let first = tokio::spawn({
        let (egress, url) = (egress.clone(), format!("{base}hang"));
        async move { send(&egress, get(url)).await }
    });
    server.arrival().await;
    // The place is taken: the second gets no further than its own time.
    let mut impatient = get(&base);
    impatient.timeout = Some(Duration::from_millis(50));
    let error = send(&egress, impatient).await.unwrap_err();
    assert_eq!(error.class(), "TimeoutError");
    assert_eq!(server.connections(), 1);
    // Another session has places of its own.
    egress.request("another", get(&base)).await.unwrap();
    let mut second = pin!(send(&egress, get(&base)));
    assert!(second.as_mut().now_or_never().is_none());
    // One runs, one waits: for a third there is no place.
    let error = send(&egress, get(&base)).await.unwrap_err();
    let expected = "this session has used up `waiting_per_session_max` (1)";
    assert_eq!(
        (error.to_string().as_str(), error.class()),
        (expected, "PermissionError")
    );
    first.abort();
    assert_eq!(second.await.unwrap().body, b"done");
}

#[tokio::test]
async fn dropping_a_request_closes_its_connection() {
    let server = Server::start(|_| Reply::Hang(Vec::new())).await;
    let egress = limited(&server, HttpLimits::default());
    let request = send(&egress, get(url(&server)));
    tokio::select! {
        () = server.arrival() => {}
        outcome = request => panic!("{outcome:?}"),
    }
    server.departure().await;
}

#[test]
fn limits_of_zero_are_refused_where_nothing_could_work() {
    let base = HttpLimits::default;
    let wrong = [
        HttpLimits {
            url_max_bytes: 0,
            ..base()
        },
        HttpLimits {
            response_body_max_bytes: 0,
            ..base()
        },
        HttpLimits {
            concurrent_per_session_max: 0,
            ..base()
        },
        HttpLimits {
            concurrent_per_session_max: usize::MAX,
            ..base()
        },
        HttpLimits {
            response_headers_max_count: usize::MAX,
            ..base()
        },
        HttpLimits {
            request_headers_max_count: 1 << 20,
            ..base()
        },
        HttpLimits {
            sessions_max: 0,
            ..base()
        },
        HttpLimits {
            total_timeout_ms: 0,
            ..base()
        },
        HttpLimits {
            connect_timeout_ms: u64::MAX,
            ..base()
        },
    ];
    for limits in wrong {
        let error = egress([]).limits(limits.clone()).build().unwrap_err();
        assert!(
            error.to_string().starts_with("the limit `"),
            "{limits:?}: {error}"
        );
    }
    let none = HttpLimits {
        requests_per_session_max: 0,
        waiting_per_session_max: 0,
        redirects_max: 0,
        ..base()
    };
    egress([]).limits(none).build().unwrap();
}
