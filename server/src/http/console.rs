//! The console: a page that asks the own API with the key that a person types in.
//!
//! The three files are part of the program. The page may load them and nothing else, run
//! nothing that is written into it, be framed by no other, and send requests to this server
//! alone. It holds no secret: who opens it sees a form.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::service::Service;

/// What the page may do. Pictures that code shows are data of the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/console") }))
        .route("/console", get(page))
        .route("/console/app.js", get(script))
        .route("/console/style.css", get(style))
}

async fn page() -> Response {
    file(
        "text/html; charset=utf-8",
        include_str!("console/index.html"),
    )
}

async fn script() -> Response {
    let kind = "text/javascript; charset=utf-8";
    file(kind, include_str!("console/app.js"))
}

async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("console/style.css"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
