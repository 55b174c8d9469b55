//! Pages of this machine: what browsers ask before a page may call the server, and what they
//! must be told for it to read the answers.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// The names that a page of this machine has, at any port.
pub(super) const LOOPBACK: [&str; 6] = [
    "http://localhost:*",
    "http://127.0.0.1:*",
    "http://[::1]:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "https://[::1]:*",
];

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");
const ASKED: HeaderValue = HeaderValue::from_static(
    "accept, authorization, content-type, last-event-id, mcp-protocol-version, mcp-session-id",
);
const TOLD: HeaderValue = HeaderValue::from_static("mcp-session-id");

/// Answers what a browser asks beforehand, and lets pages of this machine read answers. Other
/// pages are neither answered here nor told anything.
pub(super) async fn share(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let origin = headers
        .get(ORIGIN)
        .filter(|origin| is_loopback(origin))
        .cloned();
    let Some(origin) = origin else {
        return next.run(request).await;
    };
    let asks =
        request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match asks {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    permit(response.headers_mut(), origin);
    response
}

fn permit(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ASKED);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, TOLD);
    headers.append(VARY, HeaderValue::from_static("origin"));
}

fn is_loopback(origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    LOOPBACK.iter().any(|known| {
        let known = known.strip_suffix(":*").unwrap_or(known);
        let port = origin.strip_prefix(known);
        port.is_some_and(|port| {
            port.is_empty()
                || port.strip_prefix(':').is_some_and(|port| {
                    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
                })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_are_of_this_machine() {
        for (origin, expect) in [
            ("http://localhost", true),
            ("http://localhost:6274", true),
            ("https://127.0.0.1:8443", true),
            ("http://[::1]:1", true),
            ("http://localhost.example", false),
            ("http://localhost:80.example", false),
            ("http://localhost:", false),
            ("http://127.0.0.10", false),
            ("https://page.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(
                is_loopback(&HeaderValue::from_static(origin)),
                expect,
                "{origin}"
            );
        }
    }
}
