//! A guest cannot make a server show it half a secret, or one that it asked for.

use super::{OTHER, base, bearer, local, with_secrets};
use crate::servers::{Server, redirect};
use crate::world::{egress, get, grant, send, with_header};
use memex_external::egress::Secret;

/// The control is the same request to a server that gets no secret.
#[tokio::test]
async fn a_guest_cannot_cut_answers_that_may_hold_a_secret() {
    let server = Server::with_body("").await;
    let egress = with_secrets(&server);
    let secret = base(&server);
    let other = format!("http://plain.example.test:{}", server.port);
    let plain = crate::world::egress([grant("plain.example.test", server.port)])
        .secret(bearer(&server))
        .build()
        .unwrap();
    for (name, value) in [
        ("Range", "bytes=0-3"),
        ("RANGE", "bytes=4-"),
        ("If-Range", "\"x\""),
        ("If_Range", "\"x\""),
        ("Request-Range", "bytes=0-3"),
        ("Content-Range", "bytes 0-3/8"),
        ("A-IM", "range"),
        ("Accept-Charset", "utf-7"),
        ("Want-Digest", "sha-256"),
        ("Want-Repr-Digest", "sha-256=1"),
        ("Want-Content-Digest", "sha-256=1"),
    ] {
        let before = server.connections();
        let error = send(&egress, with_header(get(&secret), name, value))
            .await
            .unwrap_err();
        let expected = format!(
            "the header `{}` may not be set: the host adds a secret to requests to this server, and takes whole answers only; leave it out",
            name.to_lowercase()
        );
        assert_eq!(
            (error.to_string(), error.class()),
            (expected, "PermissionError")
        );
        assert_eq!(server.connections(), before);
        send(&plain, with_header(get(&other), name, value))
            .await
            .unwrap();
        let received = server.requests().pop().unwrap();
        assert_eq!(received.values(&name.to_lowercase()), [value]);
    }
    // What is refused or set for every server.
    for name in ["TE", "Transfer_Encoding", "Trailer"] {
        let error = send(&egress, with_header(get(&secret), name, "trailers"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("may not be set"), "{error}");
    }
    let request = with_header(get(&secret), "Accept-Encoding", "zstd");
    let request = with_header(request, "accept_encoding", "zstd");
    send(&egress, request).await.unwrap();
    let received = server.requests().pop().unwrap();
    assert_eq!(received.values("accept-encoding"), ["gzip, br"]);
    assert!(received.values("accept_encoding").is_empty());
}

#[tokio::test]
async fn a_redirect_does_not_bring_a_cut_to_a_server_that_gets_a_secret() {
    let server = Server::with_body("whole").await;
    let place = base(&server);
    let first = Server::start(move |_| redirect(302, &place)).await;
    let egress = egress([
        grant("api.example.test", server.port),
        grant("first.example.test", first.port),
    ])
    .secret(bearer(&server))
    .build()
    .unwrap();
    let start = format!("http://first.example.test:{}/", first.port);
    // The control.
    let response = send(&egress, get(&start)).await.unwrap();
    assert_eq!(response.body, b"whole");
    let error = send(&egress, with_header(get(&start), "range", "bytes=0-1"))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the header `range` may not be set"),
        "{error}"
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_guest_cannot_ask_for_an_echo_of_the_request() {
    let server = Server::with_body("").await;
    let mut rule = grant("api.example.test", server.port);
    rule.methods = ["GET", "POST", "TRACE", "TRACK"]
        .map(str::to_owned)
        .to_vec();
    let egress = egress([rule]).secret(bearer(&server)).build().unwrap();
    for method in ["TRACE", "track"] {
        let mut request = get(base(&server));
        request.method = method.to_owned();
        let error = send(&egress, request).await.unwrap_err();
        let expected = format!("the method `{}` may not be set", method.to_uppercase());
        assert!(error.to_string().starts_with(&expected), "{error}");
        let overridden = with_header(get(base(&server)), "X-HTTP-Method-Override", method);
        let error = send(&egress, overridden).await.unwrap_err();
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
    assert_eq!(server.connections(), 0);
    send(&egress, get(base(&server))).await.unwrap();
}

#[tokio::test]
async fn a_guests_header_of_another_spelling_does_not_go_beside_the_secret() {
    let server = Server::with_body("").await;
    let secret = local(
        Secret::header("api.example.test", "X-Api-Key", OTHER),
        &server,
    );
    let egress = egress([grant("api.example.test", server.port)])
        .secret(secret)
        .build()
        .unwrap();
    let error = send(
        &egress,
        with_header(get(base(&server)), "x_api_key", "mine"),
    )
    .await
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the header `x-api-key` may not be set"),
        "{error}"
    );
    send(&egress, with_header(get(base(&server)), "x_other", "mine"))
        .await
        .unwrap();
    assert_eq!(server.request().values("x-api-key"), [OTHER]);
}
