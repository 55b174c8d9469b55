//! What is granted and what is not, however it is spelled.

use crate::servers::Server;
use crate::world::{Dialer, Names, egress, get, grant, public_grant, send, with_header};
use memex_external::egress::{Egress, EgressRules, HttpError, HttpRequest};
use memex_policies::HostGrant;

#[tokio::test]
async fn host_port_method_and_path_must_all_be_granted() {
    let server = Server::with_body("yes").await;
    let port = server.port;
    let mut rule = grant("api.example.test", port);
    rule.methods = vec!["GET".into()];
    rule.path_prefix = "/v1".into();
    let egress = egress([rule]).build().unwrap();
    let granted = format!("http://api.example.test:{port}/v1/items?x=1");
    assert_eq!(send(&egress, get(granted)).await.unwrap().body, b"yes");

    let grants = format!("api.example.test:{port} (GET under /v1)");
    let cases = [
        (
            "GET",
            "http://other.example.test:PORT/v1/items",
            "http://other.example.test:PORT is not granted (GET /v1/items)",
        ),
        (
            "GET",
            "http://example.test:PORT/v1",
            "http://example.test:PORT is not granted (GET /v1)",
        ),
        (
            "GET",
            "http://api.example.test.evil.test:PORT/v1",
            "http://api.example.test.evil.test:PORT is not granted (GET /v1)",
        ),
        (
            "GET",
            "https://api.example.test/v1",
            "https://api.example.test is not granted (GET /v1)",
        ),
        (
            "GET",
            "https://api.example.test:8443/v1",
            "https://api.example.test:8443 is not granted (GET /v1)",
        ),
        (
            "POST",
            "http://api.example.test:PORT/v1",
            "http://api.example.test:PORT is not granted (POST /v1)",
        ),
        (
            "TRACE",
            "http://api.example.test:PORT/v1",
            "http://api.example.test:PORT is not granted (TRACE /v1)",
        ),
        (
            "CONNECT",
            "http://api.example.test:PORT/v1",
            "http://api.example.test:PORT is not granted (CONNECT /v1)",
        ),
        (
            "GET",
            "http://api.example.test:PORT/v10",
            "http://api.example.test:PORT is not granted (GET /v10)",
        ),
        (
            "GET",
            "http://api.example.test:PORT/v1/../v2",
            "http://api.example.test:PORT is not granted (GET /v2)",
        ),
    ];
    for (method, url, message) in cases {
        let port = port.to_string();
        let request = HttpRequest::new(method, url.replace("PORT", &port));
        let error = send(&egress, request).await.unwrap_err();
        assert_eq!(error.class(), "PermissionError");
        let expected = format!("{}; grants: {grants}", message.replace("PORT", &port));
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn nothing_is_granted_without_grants() {
    let egress = egress([]).build().unwrap();
    let error = send(&egress, get("https://example.test/"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "https://example.test is not granted (GET /); grants: none"
    );
}

#[test]
fn long_lists_of_grants_are_cut_in_messages() {
    let rules = EgressRules::new((0..20).map(|n| HostGrant::new(format!("h{n}.test"))));
    rules.check("GET", "https://h19.test/").unwrap();
    let message = rules
        .check("GET", "https://h20.test/")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("h7.test:443 (GET, HEAD); and 12 more"),
        "{message}"
    );
}

/// Spellings of one host are that host: to the rules, the resolver and the server.
#[tokio::test]
async fn a_host_is_the_same_in_every_spelling() {
    let server = Server::with_body("").await;
    let port = server.port;
    let names = Names::local().with("xn--bcher-kva.example.test", &[&["127.0.0.1"]]);
    let hosts = ["api.example.test", "xn--bcher-kva.example.test"];
    let egress = egress(hosts.map(|host| grant(host, port)))
        .resolver(names.clone())
        .build()
        .unwrap();
    let spellings = [
        ("api.example.test", hosts[0]),
        ("API.Example.TEST", hosts[0]),
        ("api.example.test.", hosts[0]),
        ("api%2Eexample.test", hosts[0]),
        ("%61pi.example.test", hosts[0]),
        ("ａｐｉ.example.test", hosts[0]),
        ("api。example.test", hosts[0]),
        ("a\u{ad}pi.example.test", hosts[0]),
        ("bücher.example.test", hosts[1]),
        ("BÜCHER.example.test", hosts[1]),
        ("XN--BCHER-KVA.example.test", hosts[1]),
    ];
    for (spelling, host) in spellings {
        let response = send(&egress, get(format!("http://{spelling}:{port}/"))).await;
        assert_eq!(
            response.unwrap().url,
            format!("http://{host}:{port}/"),
            "{spelling}"
        );
        assert_eq!(names.asked().last().unwrap(), host);
        let received = server.requests();
        let sent = received.last().unwrap().values("host").join(",");
        assert_eq!(sent, format!("{host}:{port}"));
    }
    // Look-alikes are other hosts.
    for other in [
        "аpi.example.test",
        "api-example.test",
        "api.example.test..",
        "apı.example.test",
    ] {
        let error = send(&egress, get(format!("http://{other}:{port}/")))
            .await
            .unwrap_err();
        let refused = matches!(
            error,
            HttpError::NotGranted { .. } | HttpError::Invalid { .. }
        );
        assert!(refused, "{other}: {error}");
    }
    assert_eq!(server.connections(), spellings.len());
}

/// Every way to write a loopback address is that address.
#[tokio::test]
async fn an_address_is_the_same_in_every_spelling() {
    let server = Server::with_body("here").await;
    let port = server.port;
    let dialer = Dialer::default();
    let build = |private| {
        let rules = ["127.0.0.1", "::1"].map(|host| HostGrant {
            private_addresses: private,
            ..grant(host, port)
        });
        egress(rules).dialer(dialer.clone()).build().unwrap()
    };
    let (open, closed) = (build(true), build(false));
    let spellings = [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0X7F.1",
        "１２７.0.0.1",
        "%31%32%37.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[::1]",
        "[0:0::0:1]",
    ];
    for spelling in spellings {
        let url = format!("http://{spelling}:{port}/");
        assert_eq!(send(&open, get(&url)).await.unwrap().body, b"here", "{url}");
        let before = dialer.dialled().len();
        let error = send(&closed, get(&url)).await.unwrap_err();
        assert!(
            matches!(error, HttpError::PrivateAddress { .. }),
            "{url}: {error}"
        );
        assert_eq!(dialer.dialled().len(), before);
    }
    let malformed = [
        "[::1%25lo]",
        "[::1%lo]",
        "[fe80::1%25eth0]",
        "[::1",
        "127.0.0.0x100",
        "127.0.0.256",
        "1.2.3.4.5",
        "0x7f.0.0.0.1",
        "4294967296",
        "[::ffff:127.0.0.256]",
    ];
    for spelling in malformed {
        let url = format!("http://{spelling}:{port}/");
        let error = send(&open, get(&url)).await.unwrap_err();
        assert!(matches!(error, HttpError::Invalid { .. }), "{url}: {error}");
    }
    assert_eq!(server.connections(), spellings.len());
}

/// A grant of a name says nothing of addresses, and the other way round.
#[tokio::test]
async fn a_suffix_holds_names_below_it_only() {
    let rules = EgressRules::new([grant("*.example.test", 443)]);
    rules.check("GET", "https://a.example.test/").unwrap();
    rules.check("GET", "https://b.a.example.test./").unwrap();
    for url in [
        "https://example.test/",
        "https://evilexample.test/",
        "https://127.0.0.1/",
        "https://*.example.test/",
    ] {
        rules.check("GET", url).unwrap_err();
    }
}

#[test]
fn schemes_users_and_odd_hosts_are_refused() {
    let rules = EgressRules::new([grant("example.test", 443), grant("example.test", 80)]);
    rules.check("GET", "https://example.test/").unwrap();
    rules.check("GET", "HTTP:\\\\example.test\\").unwrap();
    let cases = [
        (
            "file:///etc/passwd",
            "the scheme `file` is not granted; fetch speaks http and https",
        ),
        (
            "ftp://example.test/",
            "the scheme `ftp` is not granted; fetch speaks http and https",
        ),
        (
            "gopher://example.test:443/_x",
            "the scheme `gopher` is not granted; fetch speaks http and https",
        ),
        (
            "data:text/plain,hi",
            "the scheme `data` is not granted; fetch speaks http and https",
        ),
        (
            "unix:/run/docker.sock",
            "the scheme `unix` is not granted; fetch speaks http and https",
        ),
        (
            "https://user:pw@example.test/",
            "the URL: user and password have no place in a URL; set a header",
        ),
        (
            "https://example.test@evil.test/",
            "the URL: user and password have no place in a URL; set a header",
        ),
        (
            "https://example.test/\n",
            "https://example.test/\u{fffd}: it contains control characters",
        ),
        (
            "example.test/path",
            "example.test/path: relative URL without a base",
        ),
        ("https://", "https://: empty host"),
        (
            "https://exa$mple.test/",
            "exa$mple.test: it is not a host name",
        ),
        (
            "https://example..test/",
            "example..test: it is not a host name",
        ),
        (
            "https://example.test:99999/",
            "https://example.test:99999/: invalid port number",
        ),
    ];
    for (url, message) in cases {
        assert_eq!(rules.check("GET", url).unwrap_err().to_string(), message);
    }
    // The at-sign and the backslash do not make another host of it.
    for url in [
        "https://example.test\\@evil.test/",
        "https://example.test#@evil.test/",
        "https://example.test?@evil.test",
    ] {
        rules.check("GET", url).unwrap();
    }
    for url in [
        "https://evil.test\\@example.test/",
        "https://evil.test#@example.test/",
    ] {
        let error = rules.check("GET", url).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("https://evil.test is not granted"),
            "{error}"
        );
    }
}

#[test]
fn a_path_that_servers_read_differently_is_refused_under_a_prefix() {
    let mut rule = public_grant("example.test", 443);
    rule.path_prefix = "/v1".into();
    let rules = EgressRules::new([rule]);
    for path in [
        "/v1",
        "/v1/",
        "/v1/a%20b",
        "/v1?x=/../",
        "/v1/x%25",
        "/V2/../v1/x",
        "/v1/a;b=1",
    ] {
        rules
            .check("GET", &format!("https://example.test{path}"))
            .unwrap();
    }
    let evasive = [
        "/v1/../admin",
        "/v1/%2e%2e/admin",
        "/v1/.%2E/admin",
        "/v1/..%2fadmin",
        "/v1/..%5cadmin",
        "/v1\\..\\admin",
        "/v1/%252e%252e/admin",
        "/v1/..;/admin",
        "/v1/.;x/admin",
        "/v1/..%3b/admin",
        "/v1%00",
        "/v1%2f..%2fadmin",
        "/v1x",
    ];
    for path in evasive {
        let error = rules
            .check("GET", &format!("https://example.test{path}"))
            .unwrap_err();
        assert!(
            matches!(error, HttpError::NotGranted { .. }),
            "{path}: {error}"
        );
    }
}

#[tokio::test]
async fn a_header_does_not_grant_another_method() {
    let server = Server::with_body("").await;
    let mut rule = grant("example.test", server.port);
    rule.methods = vec!["GET".into(), "POST".into()];
    let egress: Egress = egress([rule]).build().unwrap();
    let url = format!("http://example.test:{}/x", server.port);
    for name in [
        "X-HTTP-Method-Override",
        "x-http-method",
        "X-Method-Override",
    ] {
        let error = send(&egress, with_header(get(&url), name, "delete"))
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("is not granted (DELETE /x)"),
            "{error}"
        );
        send(&egress, with_header(get(&url), name, "post"))
            .await
            .unwrap();
    }
    assert_eq!(server.connections(), 3);
}
