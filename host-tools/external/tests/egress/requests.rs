//! What a request looks like on the wire, and a response in the guest.

use crate::servers::{Reply, Server, answer, ok};
use crate::world::{egress, get, grant, header, send, with_header};
use memex_external::egress::{HttpError, HttpRequest};

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let server = Server::with_body("pong").await;
    let egress = egress([grant("api.example.test", server.port)])
        .build()
        .unwrap();
    let url = format!(
        "http://api.example.test:{}/a%20b/c?q=1&r=%26#part",
        server.port
    );
    let mut request = HttpRequest::new("post", &url);
    request.headers = vec![
        ("X-One".into(), "1".into()),
        ("x-one".into(), "ü".into()),
        ("accept-encoding".into(), "zstd".into()),
    ];
    request.body = b"\x00ping".to_vec();
    let response = send(&egress, request).await.unwrap();

    assert_eq!((response.status, response.reason.as_str()), (200, "OK"));
    assert_eq!(
        (response.url.as_str(), response.body.as_slice()),
        (url.as_str(), &b"pong"[..])
    );
    let received = server.request();
    assert_eq!(received.line(), "POST /a%20b/c?q=1&r=%26 HTTP/1.1");
    assert_eq!(
        received.values("host"),
        [format!("api.example.test:{}", server.port)]
    );
    assert_eq!(received.values("x-one"), ["1", "ü"]);
    assert_eq!(received.values("accept-encoding"), ["gzip, br"]);
    assert_eq!(received.values("content-length"), ["5"]);
    assert_eq!(received.body, b"\x00ping");
    assert_eq!(
        received.values("user-agent"),
        [concat!("memex/", env!("CARGO_PKG_VERSION"))]
    );
}

#[tokio::test]
async fn a_response_keeps_its_headers_and_reason() {
    let server = Server::start(|_| {
        let headers = [
            ("Set-Cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("x-latin", "caf\u{e9}"),
        ];
        answer("404 Not Here", &headers, b"gone")
    })
    .await;
    let egress = egress([grant("example.test", server.port)])
        .build()
        .unwrap();
    let url = format!("http://example.test:{}/", server.port);
    let response = send(&egress, get(&url)).await.unwrap();
    assert_eq!(
        (response.status, response.reason.as_str()),
        (404, "Not Here")
    );
    assert_eq!(header(&response, "set-cookie"), ["a=1", "b=2"]);
    assert_eq!(header(&response, "x-latin"), ["café"]);
    assert_eq!(response.body, b"gone");
    // Nothing stored the cookies.
    send(&egress, get(&url)).await.unwrap();
    assert!(server.requests()[1].values("cookie").is_empty());
}

#[tokio::test]
async fn odd_paths_are_sent_as_they_are_normalised() {
    let server = Server::with_body("").await;
    let egress = egress([grant("example.test", server.port)])
        .build()
        .unwrap();
    let cases = [
        ("", "/"),
        ("?q", "/?q"),
        ("//evil.test/x", "//evil.test/x"),
        ("/a b\"<>`{}|^", "/a%20b%22%3C%3E%60%7B%7D|^"),
        ("/ü?ü='\"", "/%C3%BC?%C3%BC=%27%22"),
        ("/[x]?a[]=1&b={}", "/[x]?a[]=1&b={}"),
        ("/a\\b/./c/../d", "/a/b/d"),
    ];
    for (path, sent) in cases {
        let url = format!("http://example.test:{}{path}", server.port);
        send(&egress, get(url)).await.unwrap();
        assert_eq!(server.requests().last().unwrap().path(), sent);
    }
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let server = Server::start(|_| {
        Reply::Whole(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 99\r\n\r\n".to_vec(),
        )
    })
    .await;
    let egress = egress([grant("example.test", server.port)])
        .build()
        .unwrap();
    let request = HttpRequest::new("HEAD", format!("http://example.test:{}/", server.port));
    let response = send(&egress, request).await.unwrap();
    assert_eq!((response.status, response.body.len()), (200, 0));
}

#[tokio::test]
async fn headers_of_the_host_are_refused_and_others_pass() {
    let server = Server::with_body("").await;
    let egress = egress([grant("example.test", server.port)])
        .build()
        .unwrap();
    let url = format!("http://example.test:{}/", server.port);
    let reserved = [
        "Host",
        "Connection",
        "Transfer-Encoding",
        "Content-Length",
        "Proxy-Authorization",
        "proxy-connection",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Expect",
        "Via",
        "HTTP2-Settings",
        "X-Original-URL",
        "X-Rewrite-URL",
    ];
    for name in reserved {
        let error = send(&egress, with_header(get(&url), name, "1"))
            .await
            .unwrap_err();
        assert_eq!(error.class(), "PermissionError");
        let expected = format!(
            "the header `{}` may not be set: it is set where the request is made; leave it out",
            name.to_lowercase()
        );
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(server.connections(), 0);
    for name in ["Authorization", "Cookie", "Range", "X-Host"] {
        send(&egress, with_header(get(&url), name, "1"))
            .await
            .unwrap();
        assert_eq!(server.requests().last().unwrap().values(name), ["1"]);
    }
}

#[tokio::test]
async fn nothing_can_be_smuggled_through_a_header_a_method_or_a_url() {
    let server = Server::with_body("").await;
    let egress = egress([grant("example.test", server.port)])
        .build()
        .unwrap();
    let base = format!("http://example.test:{}/", server.port);
    let split = "v\r\nX-Evil: 1";
    let cases = [
        with_header(get(&base), "x-a", split),
        with_header(get(&base), "x-a", "v\nX-Evil: 1"),
        with_header(get(&base), "x-a", "v\0"),
        with_header(get(&base), "x-a: b\r\nx-evil", "1"),
        with_header(get(&base), "x a", "1"),
        with_header(get(&base), "", "1"),
        HttpRequest::new("GET / HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET", &base),
        HttpRequest::new("", &base),
        get(format!("{base}\r\nX-Evil: 1")),
        get(format!("{base}a\tb")),
        get(format!("{base}\0")),
    ];
    for request in cases {
        let error = send(&egress, request.clone()).await.unwrap_err();
        assert!(
            matches!(error, HttpError::Invalid { .. }),
            "{request:?}: {error}"
        );
        assert_eq!(error.class(), "ValueError");
        assert!(!error.to_string().contains(['\r', '\n', '\0']), "{error:?}");
    }
    assert_eq!(server.connections(), 0);
    // What is encoded stays encoded.
    send(&egress, get(format!("{base}%0d%0aX-Evil:%201")))
        .await
        .unwrap();
    let received = server.request();
    assert_eq!(received.line(), "GET /%0d%0aX-Evil:%201 HTTP/1.1");
    assert!(received.values("x-evil").is_empty());
}

#[tokio::test]
async fn faults_of_servers_have_names() {
    let cases: [(&[u8], &str); 4] = [
        (
            b"SSH-2.0-OpenSSH\r\n",
            "its response is not HTTP/1.1, or has far more headers than are read",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
            "the connection was closed before the response was complete",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain",
            "its body cannot be decompressed",
        ),
        (
            b"",
            "the connection was closed before the response was complete",
        ),
    ];
    for (bytes, reason) in cases {
        let server = Server::start(move |_| Reply::Whole(bytes.to_vec())).await;
        let egress = egress([grant("example.test", server.port)])
            .build()
            .unwrap();
        let origin = format!("http://example.test:{}", server.port);
        let error = send(&egress, get(&origin)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{origin}: {reason}"));
        assert_eq!(error.class(), "ConnectionError");
    }
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let server = Server::start(|_| ok(b"")).await;
    let port = server.port;
    let egress = egress([grant("example.test", port), grant("nowhere.test", port)])
        .build()
        .unwrap();
    let known = format!("http://example.test:{port}");
    send(&egress, get(&known)).await.unwrap();
    let unknown = send(&egress, get(format!("http://nowhere.test:{port}")))
        .await
        .unwrap_err();
    let expected = format!("http://nowhere.test:{port}: the name cannot be resolved");
    assert_eq!(unknown.to_string(), expected);

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let egress = crate::world::egress([grant("example.test", port)])
        .build()
        .unwrap();
    let refused = send(&egress, get(format!("http://example.test:{port}")))
        .await
        .unwrap_err();
    let expected = format!("http://example.test:{port}: the connection was refused");
    assert_eq!(refused.to_string(), expected);
}
