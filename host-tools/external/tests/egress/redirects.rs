//! Redirects: every hop is a request of its own.

use crate::servers::{Received, Reply, Server, answer, ok, redirect};
use crate::world::{Names, PUBLIC, egress, get, grant, header, public_grant, send, with_header};
use memex_external::egress::{Egress, HttpError, HttpLimits, HttpRequest};

/// `/to?URL` redirects there with the status of the header `x-status`; all else is a page.
fn page(request: &Received) -> Reply {
    let status = request.values("x-status");
    let status = status.first().map_or(302, |text| text.parse().unwrap());
    match request.path().strip_prefix("/to?") {
        Some(place) => redirect(status, place),
        None => ok(b"page"),
    }
}

fn open(server: &Server, hosts: &[&str]) -> Egress {
    egress(hosts.iter().map(|host| grant(host, server.port)))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_redirect_is_followed_to_its_end_and_its_fragment_kept() {
    // The place is in a header, since it has a fragment of its own.
    let server = Server::start(|request| match request.path() {
        "/start/" => redirect(302, request.values("x-place")[0]),
        _ => ok(b"page"),
    })
    .await;
    let egress = open(&server, &["a.example.test", "b.example.test"]);
    let port = server.port;
    let (a, b) = (
        format!("http://a.example.test:{port}"),
        format!("http://b.example.test:{port}"),
    );
    let cases = [
        ("/end", format!("{a}/end#part")),
        ("end?x=1", format!("{a}/start/end?x=1#part")),
        ("../end", format!("{a}/end#part")),
        ("/end#other", format!("{a}/end#other")),
        ("?x", format!("{a}/start/?x#part")),
        (&format!("{b}/end"), format!("{b}/end#part")),
        (
            &format!("//b.example.test:{port}/end"),
            format!("{b}/end#part"),
        ),
    ];
    for (place, url) in cases {
        let request = with_header(get(format!("{a}/start/#part")), "x-place", place);
        let response = send(&egress, request).await.unwrap();
        assert_eq!((response.url, response.status), (url, 200), "{place}");
    }
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_an_answer() {
    let server = Server::start(page).await;
    let egress = open(&server, &["example.test"]);
    let mut request = get(format!(
        "http://example.test:{}/to?https://evil.test/",
        server.port
    ));
    request.follow_redirects = false;
    let response = send(&egress, request).await.unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(header(&response, "location"), ["https://evil.test/"]);
}

#[tokio::test]
async fn every_hop_is_checked_from_the_start() {
    let server = Server::start(page).await;
    let victim = Server::with_body("internal").await;
    let (port, inside) = (server.port, victim.port);
    let mut narrow = public_grant("narrow.test", port);
    narrow.path_prefix = "/open".into();
    let names = Names::default()
        .with("a.test", &[&[PUBLIC]])
        .with("narrow.test", &[&[PUBLIC]])
        .with("inside.test", &[&["127.0.0.1"]]);
    let egress = egress([
        public_grant("a.test", port),
        public_grant("inside.test", inside),
        public_grant("127.0.0.1", inside),
        narrow,
    ])
    .resolver(names)
    .build()
    .unwrap();
    let cases = [
        (
            format!("http://evil.test:{port}/"),
            "is not granted (GET /)",
        ),
        (format!("http://a.test:{inside}/"), "is not granted (GET /)"),
        (
            format!("http://narrow.test:{port}/closed"),
            "is not granted (GET /closed)",
        ),
        (
            format!("http://inside.test:{inside}/"),
            "an address that is not public",
        ),
        (
            format!("http://127.0.0.1:{inside}/"),
            "an address that is not public",
        ),
        (
            format!("http://2130706433:{inside}/"),
            "an address that is not public",
        ),
        (
            format!("http://[::ffff:7f00:1]:{inside}/"),
            "an address that is not public",
        ),
        (
            "file:///etc/passwd".into(),
            "the scheme `file` is not granted",
        ),
        ("ftp://a.test/".into(), "the scheme `ftp` is not granted"),
        (
            "javascript:alert(1)".into(),
            "the scheme `javascript` is not granted",
        ),
        (
            format!("http://u:p@a.test:{port}/"),
            "user and password have no place in a URL",
        ),
        ("http://[::1%25lo]/".into(), "invalid IPv6 address"),
    ];
    for (place, reason) in cases {
        let error = send(&egress, get(format!("http://a.test:{port}/to?{place}")))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(reason), "{place}: {error}");
    }
    assert_eq!(victim.connections(), 0);
    for place in [format!("http://narrow.test:{port}/open/x"), "/end".into()] {
        let response = send(&egress, get(format!("http://a.test:{port}/to?{place}")))
            .await
            .unwrap();
        assert_eq!(response.body, b"page");
    }
}

#[tokio::test]
async fn loops_and_long_chains_end_at_the_limit() {
    // `/3` leads to `/2`, and so on to `/0`; `/loop` to itself.
    let server = Server::start(|request| match request.path() {
        "/0" => ok(b"end"),
        "/loop" => redirect(307, "/loop"),
        path => {
            let left: u32 = path[1..].parse().unwrap();
            redirect(301, &format!("/{}", left - 1))
        }
    })
    .await;
    let limits = HttpLimits {
        redirects_max: 3,
        ..HttpLimits::default()
    };
    let egress = egress([grant("example.test", server.port)])
        .limits(limits)
        .build()
        .unwrap();
    let origin = format!("http://example.test:{}", server.port);
    assert_eq!(
        send(&egress, get(format!("{origin}/3")))
            .await
            .unwrap()
            .body,
        b"end"
    );
    for path in ["/4", "/loop"] {
        let before = server.connections();
        let error = send(&egress, get(format!("{origin}{path}")))
            .await
            .unwrap_err();
        let expected = format!("{origin} redirects more often than `http_redirects` (3)");
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.class(), "ConnectionError");
        assert_eq!(server.connections() - before, 4);
    }
}

#[tokio::test]
async fn methods_are_rewritten_as_the_fetch_standard_has_it() {
    let server = Server::start(page).await;
    let egress = open(&server, &["example.test"]);
    let cases = [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
        ("PUT", 307, "PUT"),
        ("DELETE", 303, "GET"),
        ("GET", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("HEAD", 302, "HEAD"),
    ];
    for (method, status, becomes) in cases {
        let url = format!("http://example.test:{}/to?/end", server.port);
        let mut request = HttpRequest::new(method, url);
        request.body = if matches!(method, "GET" | "HEAD") {
            Vec::new()
        } else {
            b"body".to_vec()
        };
        let body = request.body.clone();
        let request = with_header(request, "content-type", "text/plain");
        let request = with_header(request, "x-status", &status.to_string());
        send(&egress, request).await.unwrap();
        let last = server.requests().pop().unwrap();
        assert_eq!(
            last.line(),
            format!("{becomes} /end HTTP/1.1"),
            "{method} {status}"
        );
        let is_kept = method == becomes;
        assert_eq!(
            last.body,
            if is_kept { body } else { Vec::new() },
            "{method} {status}"
        );
        assert_eq!(last.values("content-type").len(), usize::from(is_kept));
    }
}

#[tokio::test]
async fn a_rewritten_method_must_be_granted() {
    let server = Server::start(page).await;
    let mut rule = grant("example.test", server.port);
    rule.methods = vec!["POST".into()];
    let egress = egress([rule]).build().unwrap();
    let url = format!("http://example.test:{}/to?/end", server.port);
    let error = send(&egress, HttpRequest::new("POST", &url))
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::NotGranted { .. }), "{error}");
    let kept = with_header(HttpRequest::new("POST", &url), "x-status", "307");
    send(&egress, kept).await.unwrap();
}

#[tokio::test]
async fn credentials_of_the_guest_stay_with_the_origin() {
    let server = Server::start(page).await;
    let second = Server::start(page).await;
    let rules = [
        grant("a.example.test", server.port),
        grant("b.example.test", server.port),
        grant("a.example.test", second.port),
    ];
    let egress = egress(rules).build().unwrap();
    let other_host = format!("http://b.example.test:{}/end", server.port);
    let other_port = format!("http://a.example.test:{}/end", second.port);
    let there_and_back = format!(
        "{}/to?http://a.example.test:{}/end",
        &other_host[..other_host.len() - 4],
        server.port
    );
    for (place, kept) in [
        ("/end", 1),
        (&other_host, 0),
        (&other_port, 0),
        (&there_and_back, 0),
    ] {
        let url = format!("http://a.example.test:{}/to?{place}", server.port);
        let mut request = get(url);
        for name in ["authorization", "cookie", "x-mine"] {
            request = with_header(request, name, "mine");
        }
        send(&egress, request).await.unwrap();
        let asked = if place == other_port {
            &second
        } else {
            &server
        };
        let last = asked.requests().pop().unwrap();
        assert_eq!(last.path(), "/end");
        assert_eq!(last.values("authorization").len(), kept, "{place}");
        assert_eq!(last.values("cookie").len(), kept, "{place}");
        assert_eq!(last.values("x-mine"), ["mine"]);
    }
}

#[tokio::test]
async fn a_redirect_without_a_place_is_an_answer() {
    let server = Server::start(|_| answer("304 Not Modified", &[], b"")).await;
    let egress = open(&server, &["example.test"]);
    let url = format!("http://example.test:{}/", server.port);
    assert_eq!(send(&egress, get(&url)).await.unwrap().status, 304);
    let server = Server::start(|_| answer("302 Found", &[], b"nowhere")).await;
    let egress = open(&server, &["example.test"]);
    let url = format!("http://example.test:{}/", server.port);
    assert_eq!(send(&egress, get(&url)).await.unwrap().body, b"nowhere");
}
