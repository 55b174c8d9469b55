//! The API as a page, from its description. It loads nothing and runs nothing.

use std::fmt::Write;

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::own::described;

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>memex API</title>\
<meta name=viewport content='width=device-width'><style>\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:56rem;margin:2rem auto;padding:0 1rem}\
code{font:14px ui-monospace,monospace}h2{border-top:1px solid #8886;padding-top:1rem}b{margin-right:.5rem}\
</style><h1>memex API</h1><p>Every request carries a key as <code>Authorization: Bearer KEY</code>; \
errors are RFC 9457 problems with a <code>remedy</code>. The description for programs is \
<a href=/openapi.json>openapi.json</a>.</p>";

pub(super) async fn page() -> Response {
    let text = written(described());
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(text)).into_response()
}

fn written(api: &Value) -> String {
    let mut out = HEAD.to_owned();
    let paths = api.get("paths").and_then(Value::as_object);
    for (path, methods) in paths.into_iter().flatten() {
        let _ = write!(out, "<h2><code>{}</code></h2>", escaped(path));
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let text = |name: &str| {
                operation
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let said = format!("{} {}", text("summary"), text("description"));
            let _ = write!(
                out,
                "<p><b><code>{}</code></b>{}</p>",
                method.to_uppercase(),
                escaped(&said)
            );
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
