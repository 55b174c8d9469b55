//! MCP servers behind streamable HTTP, on loopback.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::endpoints::serve;
use crate::support::{Folder, SECRET, call, error, until, value};

/// What a server has seen.
#[derive(Default)]
struct Seen {
    keys: Vec<String>,
    sessions: Vec<String>,
    cancelled: Vec<Value>,
    hanging: Vec<Value>,
}

type Shared = Arc<Mutex<Seen>>;

fn event(message: &Value) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// The server: some answers are JSON, some are event streams.
async fn answer(
    State(seen): State<Shared>,
    headers: HeaderMap,
    axum::Json(message): axum::Json<Value>,
) -> Response {
    let header = |name: &str| {
        let value = headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    seen.lock().keys.push(header("x-key"));
    let id = message["id"].clone();
    let reply = |result: Value| json!({"jsonrpc": "2.0", "id": id.clone(), "result": result});
    let text = |text: &str| json!({"content": [{"type": "text", "text": text}]});
    let name = message["params"]["name"].as_str().unwrap_or_default();
    let is_answer = message["method"].is_null();
    match (message["method"].as_str().unwrap_or_default(), name) {
        ("initialize", _) => {
            let result = json!({
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "test", "version": "1"},
            });
            ([("mcp-session-id", "session-1")], axum::Json(reply(result))).into_response()
        }
        ("tools/list", _) => {
            seen.lock().sessions.push(header("mcp-session-id"));
            let tools: Vec<_> = [
                "echo",
                "stream",
                "hangs",
                "floods",
                "floods_events",
                "fails",
                "asks",
                "answers",
                "answers_events",
            ]
            .iter()
            .map(|name| json!({"name": name, "inputSchema": {"type": "object"}}))
            .collect();
            axum::Json(reply(json!({"tools": tools}))).into_response()
        }
        ("tools/call", "echo") => {
            axum::Json(reply(text(&format!("key {}", header("x-key"))))).into_response()
        }
        ("tools/call", "stream") => {
            let progress = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "working"}});
            let body = format!("{}{}", event(&progress), event(&reply(text("streamed"))));
            ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
        }
        // Its requests never end, and answers to them are never taken.
        ("tools/call", "asks") => {
            let requests = stream::iter(0..).map(|n| {
                let ping = event(&json!({"jsonrpc": "2.0", "id": n, "method": "ping"}));
                Ok::<_, std::io::Error>(ping)
            });
            let body = Body::from_stream(requests);
            ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
        }
        _ if is_answer => std::future::pending().await,
        ("tools/call", kind @ ("answers" | "answers_events")) => {
            let many = message["params"]["arguments"]["many"].as_u64().unwrap();
            let values = vec![json!({"": 0}); usize::try_from(many).unwrap()];
            let result = json!({"content": [], "structuredContent": {"v": values}});
            match kind {
                "answers" => axum::Json(reply(result)).into_response(),
                _ => {
                    let body = event(&reply(result));
                    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
                }
            }
        }
        ("tools/call", "hangs") => {
            seen.lock().hanging.push(id.clone());
            std::future::pending().await
        }
        ("tools/call", kind @ ("floods" | "floods_events")) => {
            let (mime, start) = match kind {
                "floods" => ("application/json", &b"\""[..]),
                _ => ("text/event-stream", &b"data: "[..]),
            };
            let chunks = stream::unfold(start.to_vec(), |chunk| async {
                Some((Ok::<_, std::io::Error>(chunk), vec![b'x'; 1 << 16]))
            });
            let body = Body::from_stream(chunks);
            ([(header::CONTENT_TYPE, mime)], body).into_response()
        }
        ("tools/call", _) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        ("notifications/cancelled", _) => {
            seen.lock()
                .cancelled
                .push(message["params"]["requestId"].clone());
            StatusCode::ACCEPTED.into_response()
        }
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

fn routes(seen: &Shared) -> Router {
    Router::new()
        .route("/mcp", post(answer))
        .with_state(seen.clone())
        .route("/moved", post(|| async { Redirect::temporary("/mcp") }))
}

#[tokio::test]
async fn tools_of_an_endpoint_are_called() {
    let seen = Shared::default();
    let address = serve(routes(&seen)).await;
    let folder = Folder::new();
    let tools = folder
        .open(&format!(
            "[[mcp]]\nname='web'\nurl='http://{address}/mcp'\nheaders={{X-Fixed='1'}}\nauth={{kind='header',name='X-Key',secret='TOKEN'}}"
        ))
        .await
        .unwrap();
    assert_eq!(tools.tools().len(), 9);
    assert_eq!(
        value(&tools, "web_echo", json!({})).await,
        json!("key [secret TOKEN]")
    );
    assert_eq!(
        value(&tools, "web_stream", json!({})).await,
        json!("streamed")
    );
    let failure = call(&tools, "web_fails", json!({})).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "ConnectionError: web_fails: the connection to the server `web` was lost"
    );
    assert_eq!(
        value(&tools, "web_echo", json!({})).await,
        json!("key [secret TOKEN]")
    );
    let seen = seen.lock();
    assert!(seen.keys.iter().all(|key| key == SECRET));
    assert!(seen.sessions.iter().all(|session| session == "session-1"));
}

#[tokio::test]
async fn endpoints_that_hang_or_flood_are_given_up() {
    let seen = Shared::default();
    let address = serve(routes(&seen)).await;
    let folder = Folder::new();
    let url = format!("url='http://{address}/mcp'");
    let tools = folder
        .open(&format!(
            "[[mcp]]\nname='slow'\n{url}\ntimeout_ms=5000\nallow=['hangs','echo']\n\
             [[mcp]]\nname='flood'\n{url}\noutput_max_bytes=100000\ndeny=['hangs']"
        ))
        .await
        .unwrap();
    assert_eq!(
        error(&tools, "slow_hangs", json!({})).await,
        "TimeoutError: slow_hangs: no answer within 5000 ms"
    );
    until("the server knows that nobody waits", || {
        let seen = seen.lock();
        seen.hanging.len() == 1 && seen.cancelled == seen.hanging
    })
    .await;
    assert_eq!(value(&tools, "slow_echo", json!({})).await, json!("key "));
    for name in ["flood_floods", "flood_floods_events"] {
        let failure = call(&tools, name, json!({})).await.unwrap_err();
        assert_eq!(failure.class, "ConnectionError", "{failure}");
        assert_eq!(value(&tools, "flood_echo", json!({})).await, json!("key "));
    }
}

#[tokio::test]
async fn what_an_endpoint_asks_without_an_end_and_answers_without_measure_ends_its_connection() {
    let address = serve(routes(&Shared::default())).await;
    let folder = Folder::new();
    let tools = folder
        .open(&format!(
            "[[mcp]]\nname='web'\nurl='http://{address}/mcp'\noutput_max_bytes=4000000"
        ))
        .await
        .unwrap();
    let lost = "the connection to the server `web` was lost";
    let large = "a message takes more than 134217728 bytes as values";
    for (name, many, wanted) in [
        (
            "web_asks",
            0,
            "the server left 64 answers to its requests unread",
        ),
        ("web_answers", 200_000, large),
        ("web_answers_events", 200_000, large),
    ] {
        let failure = error(&tools, name, json!({"many": many})).await;
        assert_eq!(
            failure,
            format!("ConnectionError: {name}: {lost}: {wanted}")
        );
        // The controls: a new connection, and the same with less.
        assert_eq!(value(&tools, "web_echo", json!({})).await, json!("key "));
        for name in ["web_answers", "web_answers_events"] {
            let answer = value(&tools, name, json!({"many": 10_000})).await;
            assert_eq!(answer["v"].as_array().unwrap().len(), 10_000);
        }
    }
}

#[tokio::test]
async fn endpoints_that_are_not_there_are_errors_at_start_up() {
    let seen = Shared::default();
    let address = serve(routes(&seen)).await;
    let folder = Folder::new();
    for url in [
        "http://127.0.0.1:1/mcp".to_owned(),
        format!("http://{address}/absent"),
        // Followed, it would take the secret along.
        format!("http://{address}/moved"),
    ] {
        let text = format!(
            "[[mcp]]\nname='web'\nurl='{url}'\nstart_timeout_ms=60000\nauth={{kind='bearer',secret='PLAIN'}}"
        );
        let Err(error) = folder.open(&text).await else {
            panic!("{url} was opened")
        };
        let error = error.to_string();
        assert!(
            error.contains("tools.toml: mcp `web`: the handshake failed"),
            "{error}"
        );
        assert!(!error.contains("plain-token"), "{error}");
    }
    assert!(seen.lock().keys.is_empty());
}
