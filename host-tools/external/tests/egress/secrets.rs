//! Secrets go where they belong and come back from nowhere.

mod echoes;

use crate::servers::{Received, Reply, Server, answer, ok, redirect};
use crate::world::{egress, get, grant, header, send, with_header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use memex_external::egress::{Egress, HttpError, HttpResponse, Secret};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

const TOKEN: &str = "sk-Test/40+2=a&\"b\\c%z<9>";
const OTHER: &str = "query-key-0123456789";

fn bearer(server: &Server) -> Secret {
    let value = format!("Bearer {TOKEN}");
    local(
        Secret::header("api.example.test", "Authorization", value),
        server,
    )
}

fn local(secret: Secret, server: &Server) -> Secret {
    secret.ports([server.port]).over_plain_http()
}

fn with_secrets(server: &Server) -> Egress {
    egress(["api", "other"].map(|name| grant(&format!("{name}.example.test"), server.port)))
        .secret(bearer(server))
        .secret(local(Secret::query("*.example.test", "key", OTHER), server))
        .build()
        .unwrap()
}

fn base(server: &Server) -> String {
    format!("http://api.example.test:{}", server.port)
}

fn assert_clean(response: &HttpResponse) {
    let shown = format!("{response:?}{}", String::from_utf8_lossy(&response.body));
    for secret in [TOKEN, OTHER] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn secrets_are_added_on_the_way_out() {
    let server = Server::with_body("ok").await;
    let egress = with_secrets(&server);
    let response = send(&egress, get(format!("{}/a?x=1", base(&server))))
        .await
        .unwrap();
    assert_clean(&response);
    assert_eq!(response.url, format!("{}/a?x=1", base(&server)));
    let received = server.request();
    assert_eq!(
        received.values("authorization"),
        [format!("Bearer {TOKEN}")]
    );
    assert_eq!(received.path(), format!("/a?x=1&key={OTHER}"));
}

#[tokio::test]
async fn a_secret_goes_to_its_host_port_and_scheme_only() {
    let server = Server::with_body("").await;
    let port = server.port;
    let here = |host: &str| Secret::header(host, "x-key", OTHER);
    let cases = [
        (local(here("api.example.test"), &server), true),
        (local(here("API.example.test"), &server), true),
        (local(here("*.example.test"), &server), true),
        (here("api.example.test").over_plain_http(), false),
        (here("api.example.test").ports([port]), false),
        (local(here("example.test"), &server), false),
        (local(here("other.example.test"), &server), false),
        (local(here("*.api.example.test"), &server), false),
        (local(here("*.test"), &server), true),
        (local(here("*.t"), &server), false),
    ];
    for (secret, is_sent) in cases {
        let shown = format!("{secret:?}");
        let egress = egress([grant("api.example.test", port)])
            .secret(secret)
            .build()
            .unwrap();
        send(&egress, get(base(&server))).await.unwrap();
        let received = server.requests().pop().unwrap();
        assert_eq!(
            received.values("x-key").len(),
            usize::from(is_sent),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_guest_may_not_set_what_the_host_adds() {
    let server = Server::with_body("").await;
    let egress = with_secrets(&server);
    let base = base(&server);
    let cases = [
        (
            with_header(get(&base), "AUTHORIZATION", "mine"),
            "the header `authorization`",
        ),
        (
            get(format!("{base}/?key=mine")),
            "the query parameter `key`",
        ),
        (
            get(format!("{base}/?a&k%65y=mine")),
            "the query parameter `key`",
        ),
    ];
    for (request, what) in cases {
        let error = send(&egress, request).await.unwrap_err();
        let expected = format!(
            "{what} may not be set: the host adds it to requests to this server; leave it out"
        );
        assert_eq!(
            (error.to_string(), error.class()),
            (expected, "PermissionError")
        );
    }
    assert_eq!(server.connections(), 0);
    // Where the host adds nothing, the header is the guest's.
    let other = format!("http://other.example.test:{}", server.port);
    send(&egress, with_header(get(other), "authorization", "mine"))
        .await
        .unwrap();
    assert_eq!(server.request().values("authorization"), ["mine"]);
}

fn percent(text: &str, is_encoded: impl Fn(char) -> bool) -> String {
    let encode = |c: char| match is_encoded(c) {
        true => format!("%{:02x}", c as u32),
        false => c.to_string(),
    };
    text.chars().map(encode).collect()
}

fn entities(text: &str) -> String {
    let encode = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '"' => "&quot;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&#62;".to_owned(),
        '+' => "&#x2B;".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(encode).collect()
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02X}").unwrap();
        hex
    })
}

/// The forms in which a server may send a secret back.
fn echoes(secret: &str) -> Vec<String> {
    let mut forms = vec![
        secret.to_owned(),
        secret.to_uppercase(),
        format!("Bearer {secret}"),
        percent(secret, |c| !c.is_alphanumeric()),
        percent(secret, |_| true),
        percent(secret, |_| true).to_uppercase(),
        percent(secret, |c| c == 'k' || c == '%'),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        serde_json::to_string(secret).unwrap(),
        serde_json::to_string(secret).unwrap().replace('/', "\\/"),
        secret.chars().fold(String::new(), |text, c| {
            format!("{text}\\u{:04x}", c as u32)
        }),
        entities(secret),
        hexadecimal(secret),
        hexadecimal(secret).to_lowercase(),
    ];
    for before in ["", "a", "ab", "user:", "{\"authorization\":\"Bearer "] {
        for after in ["", "z", "\"}"] {
            let text = format!("{before}{secret}{after}");
            forms.push(STANDARD.encode(&text));
            forms.push(URL_SAFE_NO_PAD.encode(&text));
            forms.push(percent(&STANDARD.encode(&text), |c| !c.is_alphanumeric()));
        }
    }
    forms
}

/// What every echo of a secret leaves behind is the same, whatever the form.
#[tokio::test]
async fn echoes_are_taken_out_of_bodies_headers_and_reasons() {
    for (place, secret) in [("token", TOKEN), ("key", OTHER)] {
        for form in echoes(secret) {
            let echo = form.clone();
            let server = Server::start(move |_| {
                let body = format!("<<{echo}|{echo}>>");
                answer(
                    &format!("200 {echo}"),
                    &[("x-echo", &echo)],
                    body.as_bytes(),
                )
            })
            .await;
            let egress = with_secrets(&server);
            let response = send(&egress, get(base(&server))).await.unwrap();
            let body = String::from_utf8(response.body.clone()).unwrap();
            assert_eq!(
                body.matches("[secret]").count(),
                2,
                "{place}: {form} → {body}"
            );
            assert!(response.reason.contains("[secret]"), "{response:?}");
            assert!(header(&response, "x-echo")[0].contains("[secret]"));
            assert!(body.len() <= form.len() * 2 + 5);
            assert!(!body.contains(&form), "{body}");
            assert_clean(&response);
        }
    }
}

#[tokio::test]
async fn what_is_no_secret_stays() {
    let texts = [
        "sk-Test/40+2=a&\"b\\c%z<9",
        "k-Test/40+2=a&\"b\\c%z<9>",
        "Bearer token",
        "%%%%\\\\\\\\&&&&&amp;&#;&#x;\\u00&#99999999;%zz+",
        "query-key-012345678",
    ];
    for text in texts {
        let server = Server::start(move |_| ok(text.as_bytes())).await;
        let response = send(&with_secrets(&server), get(base(&server)))
            .await
            .unwrap();
        assert_eq!(response.body, text.as_bytes());
    }
}

#[tokio::test]
async fn user_and_password_of_basic_are_secrets_too() {
    let value = format!("Basic {}", STANDARD.encode("robot:correct-horse"));
    let server = Server::with_body("hello robot, your password is correct-horse").await;
    let secret = local(
        Secret::header("api.example.test", "authorization", &value),
        &server,
    );
    let egress = egress([grant("api.example.test", server.port)])
        .secret(secret)
        .build()
        .unwrap();
    let response = send(&egress, get(base(&server))).await.unwrap();
    assert_eq!(response.body, b"hello robot, your password is [secret]");
    assert_eq!(server.request().values("authorization"), [value]);
}

#[tokio::test]
async fn an_echo_in_a_compressed_body_is_found_and_an_unreadable_one_refused() {
    for (encoding, body) in [("gzip", gzip(TOKEN)), ("zstd", b"opaque".to_vec())] {
        let server =
            Server::start(move |_| answer("200 OK", &[("content-encoding", encoding)], &body))
                .await;
        let outcome = send(&with_secrets(&server), get(base(&server))).await;
        match encoding {
            "gzip" => assert_eq!(outcome.unwrap().body, b"[secret]"),
            _ => assert_eq!(
                outcome.unwrap_err().to_string(),
                format!(
                    "{}: its body is in an encoding that is not read here",
                    base(&server)
                )
            ),
        }
    }
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_redirect_takes_no_secret_to_another_place() {
    let elsewhere = Server::with_body("").await;
    let place = format!("http://api.example.test:{}/", elsewhere.port);
    let server = Server::start(
        move |request: &Received| match request.path().split('?').next() {
            Some("/away") => redirect(307, &place),
            Some("/back") => redirect(307, "/end"),
            // Servers often carry the query over.
            Some("/echo") => redirect(302, &format!("{place}?key={OTHER}")),
            Some("/path") => redirect(302, &format!("{place}{}", percent(TOKEN, |_| true))),
            Some("/same") => redirect(302, &format!("/end?key={OTHER}&a=1")),
            _ => ok(b"end"),
        },
    )
    .await;
    let egress = egress([server.port, elsewhere.port].map(|port| grant("api.example.test", port)))
        .secret(bearer(&server))
        .secret(local(
            Secret::query("api.example.test", "key", OTHER),
            &server,
        ))
        .build()
        .unwrap();
    let base = base(&server);
    send(&egress, get(format!("{base}/away"))).await.unwrap();
    let received = elsewhere.request();
    assert!(received.values("authorization").is_empty());
    assert_eq!(received.path(), "/");

    for path in ["/echo", "/path"] {
        let error = send(&egress, get(format!("{base}{path}")))
            .await
            .unwrap_err();
        let expected = format!("{base} redirects to another origin with a secret in the URL");
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(elsewhere.connections(), 1);

    for (path, end) in [("/back", "/end?key="), ("/same", "/end?a=1&key=")] {
        let response = send(&egress, get(format!("{base}{path}"))).await.unwrap();
        assert_eq!(response.body, b"end");
        assert_clean(&response);
        let last = server.requests().pop().unwrap();
        assert_eq!(last.path(), format!("{end}{OTHER}"));
        assert_eq!(last.values("authorization"), [format!("Bearer {TOKEN}")]);
    }
}

#[tokio::test]
async fn errors_do_not_tell_secrets() {
    let server = Server::start(
        |request: &Received| match request.path().split('?').next() {
            Some("/scheme") => redirect(302, &format!("{OTHER}://x")),
            Some("/path") => redirect(302, &format!("//api.example.test:1/{OTHER}")),
            Some("/host") => redirect(302, &format!("http://{OTHER}:1/")),
            Some("/same") => redirect(302, &format!("/denied/{OTHER}")),
            Some("/name") => {
                Reply::Whole(format!("HTTP/1.1 200 OK\r\n{OTHER}: {OTHER}\r\n\r\n").into())
            }
            _ => redirect(302, &format!("http://[{OTHER}]/")),
        },
    )
    .await;
    let mut rules = vec![];
    for path in ["/scheme", "/path", "/host", "/same", "/name", "/malformed"] {
        let mut rule = grant("api.example.test", server.port);
        rule.path_prefix = path.to_owned();
        rules.push(rule);
    }
    let egress = egress(rules)
        .secret(bearer(&server))
        .secret(local(
            Secret::query("api.example.test", "key", OTHER),
            &server,
        ))
        .build()
        .unwrap();
    for path in ["/scheme", "/path", "/host", "/same", "/malformed"] {
        let error = send(&egress, get(format!("{}{path}", base(&server))))
            .await
            .unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains(OTHER),
            "{path}: {error:?}"
        );
        assert!(!matches!(error, HttpError::Setup { .. }));
    }
    let response = send(&egress, get(format!("{}/name", base(&server))))
        .await
        .unwrap();
    assert_eq!(header(&response, "[secret]"), ["[secret]"]);
}

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.note(attributes);
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        self.note(values);
    }
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        self.note(event);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

impl Log {
    fn note(&self, what: &impl std::fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{what:?}").unwrap();
    }
}

#[test]
fn neither_logs_nor_debug_output_tell_secrets() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = Server::start(|request| match request.path().split('?').next() {
                Some("/bad") => redirect(302, &format!("http://{OTHER}/")),
                _ => ok(TOKEN.as_bytes()),
            })
            .await;
            let egress = with_secrets(&server);
            log.note(&egress);
            log.note(&bearer(&server));
            log.note(
                &send(&egress, get(format!("{}/?guest=1", base(&server))))
                    .await
                    .unwrap(),
            );
            log.note(
                &send(&egress, get(format!("{}/bad", base(&server))))
                    .await
                    .unwrap_err(),
            );
        });
    });
    let text = log.0.lock().unwrap().clone();
    assert!(
        text.contains("http request failed") && text.contains("status"),
        "{text}"
    );
    let encoded = STANDARD.encode(TOKEN);
    for secret in [TOKEN, OTHER, "sk-Test", encoded.as_str()] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn secrets_that_cannot_be_kept_or_sent_are_refused() {
    let wrong = [
        Secret::header("a.test", "x-key", "short12"),
        // What counts is behind the scheme.
        Secret::header("a.test", "authorization", "Bearer short12"),
        Secret::header(
            "a.test",
            "authorization",
            format!("Basic {}", STANDARD.encode("me:short12")),
        ),
        Secret::header("a.test", "x-key", "s".repeat(8193)),
        Secret::header("a.test", "x-key", "line\nline"),
        Secret::header("a.test", "x key", "12345678"),
        Secret::header("a.test", "host", "12345678"),
        Secret::header("", "x-key", "12345678"),
        Secret::header("a.test", "x-key", "12345678").ports([]),
        Secret::query("a.test", "", "12345678"),
    ];
    for secret in wrong {
        let shown = format!("{secret:?}");
        let error = egress([]).secret(secret).build().unwrap_err();
        assert!(
            error.to_string().starts_with("the secret `"),
            "{shown}: {error}"
        );
        assert!(!error.to_string().contains("12345678"));
    }
    egress([])
        .secret(Secret::header("a.test", "x-key", "12345678"))
        .build()
        .unwrap();
    egress([])
        .secret(Secret::query("a.test", "k", "s".repeat(8192)))
        .build()
        .unwrap();
}
