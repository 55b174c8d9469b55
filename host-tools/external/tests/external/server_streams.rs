//! MCP servers that end their streams again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::stream;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::endpoints::serve;
use crate::support::{Folder, error, value};

/// What is asked of a server.
#[derive(Default)]
struct Asked {
    /// Streams, besides those of calls.
    streams: AtomicUsize,
    /// The call that waits for its answer: its tool and its id.
    waiting: Mutex<(String, Value)>,
}

/// The beginning of a stream that the client may ask for again, at once.
const BEGINNING: &str = "retry: 0\nid: 1\ndata:\n\n";

fn events(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], body.into()).into_response()
}

async fn answer(
    State(asked): State<Arc<Asked>>,
    axum::Json(message): axum::Json<Value>,
) -> Response {
    let id = message["id"].clone();
    let reply = |result: Value| {
        axum::Json(json!({"jsonrpc": "2.0", "id": id.clone(), "result": result})).into_response()
    };
    match message["method"].as_str().unwrap_or_default() {
        "initialize" => reply(json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "test", "version": "1"},
        })),
        "tools/list" => {
            let tools = ["ends", "breaks", "late"];
            let tools = tools.map(|name| json!({"name": name, "inputSchema": {"type": "object"}}));
            reply(json!({"tools": tools}))
        }
        "tools/call" => {
            let tool = message["params"]["name"].as_str().unwrap().to_owned();
            *asked.waiting.lock() = (tool, id);
            events(BEGINNING)
        }
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

/// A stream that is asked for again.
async fn again(State(asked): State<Arc<Asked>>, headers: HeaderMap) -> Response {
    if headers.get("last-event-id").is_none() {
        // Where nothing is resumed, there are no streams.
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let number = asked.streams.fetch_add(1, Ordering::Relaxed);
    let (tool, id) = asked.waiting.lock().clone();
    match tool.as_str() {
        "breaks" => events(Body::from_stream(stream::iter([
            Ok(BEGINNING.to_owned()),
            Err(std::io::Error::other("lost")),
        ]))),
        "late" if number > 0 => {
            let result = json!({"content": [{"type": "text", "text": "at last"}]});
            let message = json!({"jsonrpc": "2.0", "id": id, "result": result});
            events(format!("data: {message}\n\n"))
        }
        _ => events(BEGINNING),
    }
}

#[tokio::test]
async fn streams_that_end_at_once_are_not_asked_for_without_a_pause() {
    for tool in ["ends", "breaks"] {
        let asked = Arc::new(Asked::default());
        let routes = Router::new()
            .route("/mcp", post(answer).get(again))
            .with_state(asked.clone());
        let address = serve(routes).await;
        let folder = Folder::new();
        let declared = format!("[[mcp]]\nname='web'\nurl='http://{address}/mcp'\n");
        let tools = folder
            .open(&format!("{declared}timeout_ms=3500"))
            .await
            .unwrap();
        let name = format!("web_{tool}");
        let failure = error(&tools, &name, json!({})).await;
        assert_eq!(
            failure,
            format!("TimeoutError: {name}: no answer within 3500 ms")
        );
        let streams = || asked.streams.load(Ordering::Relaxed);
        assert!(
            (2..=4).contains(&streams()),
            "{tool}: {} streams",
            streams()
        );
        // The control: an answer that comes in the second of such streams is taken. By then
        // nothing is asked for on behalf of the call that was given up.
        tokio::time::sleep(Duration::from_secs(2)).await;
        asked.streams.store(0, Ordering::Relaxed);
        let answer = value(&tools, "web_late", json!({})).await;
        assert_eq!(answer, json!("at last"), "{tool}");
        assert_eq!(streams(), 2, "{tool}");
    }
}
