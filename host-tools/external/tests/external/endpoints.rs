//! HTTP tools, with servers on loopback.

mod cut;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use futures_util::future::BoxFuture;
use futures_util::stream;
use memex_external::{CALLS_MAX, HttpClient, HttpError, HttpRequest, HttpResponse};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::support::{Folder, SECRET, arguments, call, context, error, host, named, until, value};

/// Serves `routes` and tells where.
pub(crate) async fn serve(routes: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}

/// Answers with what was asked.
async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| {
        headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let body = String::from_utf8(body.to_vec()).unwrap();
    axum::Json(json!({
        "method": method.as_str(),
        "uri": uri.to_string(),
        "type": header("content-type"),
        "x": header("x-thing"),
        "body": serde_json::from_str(&body).unwrap_or(Value::String(body)),
    }))
    .into_response()
}

fn parameters(required: &[&str], all: &[&str]) -> String {
    let properties: Vec<_> = all.iter().map(|name| format!("{name}={{}}")).collect();
    format!(
        "parameters={{properties={{{}}},required={required:?}}}",
        properties.join(",")
    )
}

#[tokio::test]
async fn requests_are_made_from_arguments() {
    let address = serve(Router::new().fallback(any(echo))).await;
    let folder = Folder::new();
    let tools = folder
        .open(&format!(
            "[[http]]\nname='get'\nurl='http://{address}/u/{{id}}?fixed=1&q={{q}}'\nquery={{tag='{{tags}}',opt='v{{opt}}'}}\nheaders={{X-Thing='<{{x}}>'}}\n{}\n\
             [[http]]\nname='post'\nmethod='POST'\nurl='http://{address}/p/{{id}}'\n{}\n\
             [[http]]\nname='json'\nmethod='PUT'\nurl='http://{address}/'\nbody={{json={{a='{{v}}',b=['{{v}}',1,'n={{n}}'],c='{{o}}',d='{{{{x}}}}'}}}}\n{}\n\
             [[http]]\nname='form'\nmethod='POST'\nurl='http://{address}/'\nbody={{form={{a='{{v}}',b='{{o}}'}}}}\n{}\n\
             [[http]]\nname='text'\nmethod='POST'\nurl='http://{address}/'\nbody={{text='hello {{v}}'}}\n{}\n",
            parameters(&["id", "q"], &["id", "q", "tags", "opt", "x"]),
            parameters(&["id"], &["id", "n", "o"]),
            parameters(&[], &["v", "n", "o"]),
            parameters(&[], &["v", "o"]),
            parameters(&[], &["v"]),
        ))
        .await
        .unwrap();
    for (name, given, expected) in [
        (
            "get",
            json!({"id": "a/../b", "q": "1&z=2", "tags": ["x y", 2], "x": "ü"}),
            json!({"method": "GET", "uri": "/u/a%2F..%2Fb?fixed=1&q=1%26z%3D2&tag=x+y&tag=2", "type": null, "x": "<ü>", "body": ""}),
        ),
        (
            "get",
            json!({"id": 7, "q": true, "opt": 1.5}),
            json!({"method": "GET", "uri": "/u/7?fixed=1&q=true&opt=v1.5", "type": null, "x": null, "body": ""}),
        ),
        (
            "post",
            json!({"id": "i", "n": [1, {"deep": null}]}),
            json!({"method": "POST", "uri": "/p/i", "type": "application/json", "x": null, "body": {"n": [1, {"deep": null}]}}),
        ),
        (
            "json",
            json!({"v": {"k": 1}, "n": 3}),
            json!({"method": "PUT", "uri": "/", "type": "application/json", "x": null, "body": {"a": {"k": 1}, "b": [{"k": 1}, 1, "n=3"], "d": "{x}"}}),
        ),
        (
            "form",
            json!({"v": "a b&c=d"}),
            json!({"method": "POST", "uri": "/", "type": "application/x-www-form-urlencoded", "x": null, "body": "a=a+b%26c%3Dd"}),
        ),
        (
            "text",
            json!({"v": "wörld"}),
            json!({"method": "POST", "uri": "/", "type": "text/plain; charset=utf-8", "x": null, "body": "hello wörld"}),
        ),
    ] {
        assert_eq!(value(&tools, name, given).await, expected, "{name}");
    }
    for (given, message) in [
        (
            json!({"id": "..", "q": ""}),
            "ValueError: get: id: must not be `.` or `..`",
        ),
        (
            json!({"id": "a", "q": "", "x": "a\r\nEvil: 1"}),
            "ValueError: get: x: must not contain control characters",
        ),
        (
            json!({"id": "a", "q": {}}),
            "TypeError: get: q: must be a text, a number or a boolean",
        ),
    ] {
        assert_eq!(error(&tools, "get", given).await, message);
    }
}

#[tokio::test]
async fn responses_become_answers() {
    let routes = Router::new()
        .route(
            "/json",
            get(|| async { axum::Json(json!({"data": {"items": [1, 2]}})) }),
        )
        .route("/text", get(|| async { "grüße" }))
        .route("/empty", get(|| async { StatusCode::NO_CONTENT }))
        .route("/bad", get(|| async { "{" }))
        .route("/part", get(|| async { "{\"$part\": 0}" }))
        .route(
            "/404",
            get(|| async { (StatusCode::NOT_FOUND, "no such user\n") }),
        )
        .route("/500", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
    let address = serve(routes).await;
    let folder = Folder::new();
    let mut text = String::new();
    for (name, path, more) in [
        ("json", "json", ""),
        ("pointer", "json", "pointer='/data/items'"),
        ("nowhere", "json", "pointer='/data/none'"),
        ("text", "text", "response='text'"),
        ("bytes", "text", "response='bytes'"),
        ("empty", "empty", ""),
        ("bad", "bad", ""),
        ("part", "part", ""),
        ("status404", "404", ""),
        ("status500", "500", ""),
    ] {
        text.push_str(&format!(
            "[[http]]\nname='{name}'\nurl='http://{address}/{path}'\n{more}\n"
        ));
    }
    text.push_str("[[http]]\nname='refused'\nurl='http://127.0.0.1:1/'");
    let tools = folder.open(&text).await.unwrap();
    assert_eq!(
        value(&tools, "json", json!({})).await,
        json!({"data": {"items": [1, 2]}})
    );
    assert_eq!(value(&tools, "pointer", json!({})).await, json!([1, 2]));
    assert_eq!(value(&tools, "text", json!({})).await, json!("grüße"));
    assert_eq!(value(&tools, "empty", json!({})).await, json!(null));
    let bytes = call(&tools, "bytes", json!({})).await.unwrap();
    assert_eq!(bytes.json, json!({"$part": 0}));
    assert_eq!(bytes.parts, ["grüße".as_bytes()]);
    for (name, message) in [
        (
            "nowhere",
            "RuntimeError: nowhere: the answer has nothing at `/data/none`",
        ),
        (
            "bad",
            "RuntimeError: bad: the answer is not valid JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "part",
            "RuntimeError: part: the answer contains an object with the reserved key `$part`",
        ),
        (
            "status404",
            "RuntimeError: status404: HTTP status 404: no such user",
        ),
        ("status500", "RuntimeError: status500: HTTP status 500"),
        (
            "refused",
            "ConnectionError: refused: the server cannot be reached",
        ),
    ] {
        assert_eq!(error(&tools, name, json!({})).await, message);
    }
}

#[tokio::test]
async fn endless_and_silent_servers_are_given_up() {
    let endless = || async {
        let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 1 << 16]));
        Response::new(Body::from_stream(chunks))
    };
    let silent = || async { std::future::pending::<()>().await };
    let routes = Router::new()
        .route("/endless", get(endless))
        .route("/silent", get(silent));
    let address = serve(routes).await;
    let folder = Folder::new();
    let tools = folder
        .open(&format!(
            "[[http]]\nname='endless'\nurl='http://{address}/endless'\noutput_max_bytes=1000000\n\
             [[http]]\nname='silent'\nurl='http://{address}/silent'\ntimeout_ms=300",
        ))
        .await
        .unwrap();
    assert_eq!(
        error(&tools, "endless", json!({})).await,
        "RuntimeError: endless: the answer is longer than 1000000 bytes"
    );
    assert_eq!(
        error(&tools, "silent", json!({})).await,
        "TimeoutError: silent: no answer within 300 ms"
    );
    let context = context();
    context.cancelled.cancel();
    let failure = named(&tools, "silent")
        .call(context, arguments(json!({})))
        .await
        .unwrap_err();
    assert_eq!(failure.class, "InterruptedError");
}

#[tokio::test]
async fn secrets_go_to_the_server_and_come_back_as_names() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    let reflect = move |request: Request| {
        let log = log.clone();
        async move {
            let auth = request.headers().get(header::AUTHORIZATION);
            let key = request.headers().get("x-api-key");
            let text = [auth, key]
                .into_iter()
                .flatten()
                .map(|value| value.to_str().unwrap().to_owned())
                .chain([request.uri().to_string()])
                .collect::<Vec<_>>()
                .join(" ");
            log.lock().push(text.clone());
            match request.uri().path() {
                "/fail" => (StatusCode::FORBIDDEN, text).into_response(),
                _ => text.into_response(),
            }
        }
    };
    let address = serve(Router::new().fallback(any(reflect))).await;
    let folder = Folder::new();
    let mut text = String::new();
    for (name, path, auth) in [
        ("bearer", "ok", "kind='bearer',secret='PLAIN'"),
        (
            "header",
            "ok",
            "kind='header',name='X-Api-Key',secret='TOKEN'",
        ),
        ("basic", "ok", "kind='basic',user='me',secret='TOKEN'"),
        ("query", "ok", "kind='query',name='key',secret='TOKEN'"),
        ("fail", "fail", "kind='bearer',secret='PLAIN'"),
        ("bytes", "ok", "kind='bearer',secret='PLAIN'"),
    ] {
        let response = if name == "bytes" { "bytes" } else { "text" };
        text.push_str(&format!(
            "[[http]]\nname='{name}'\nurl='http://{address}/{path}'\nresponse='{response}'\nauth={{{auth}}}\n"
        ));
    }
    let tools = folder.open(&text).await.unwrap();
    for (name, expected) in [
        ("bearer", "Bearer [secret PLAIN] /ok"),
        ("header", "[secret TOKEN] /ok"),
        ("basic", "Basic [secret TOKEN] /ok"),
        ("query", "/ok?key=[secret TOKEN]"),
    ] {
        assert_eq!(value(&tools, name, json!({})).await, json!(expected));
    }
    assert_eq!(
        error(&tools, "fail", json!({})).await,
        "RuntimeError: fail: HTTP status 403: Bearer [secret PLAIN] /fail"
    );
    let bytes = call(&tools, "bytes", json!({})).await.unwrap();
    assert_eq!(bytes.parts, [b"Bearer [secret PLAIN] /ok"]);
    // The control: the server did get them.
    let seen = seen.lock();
    assert_eq!(seen[0], "Bearer plain-token /ok");
    assert_eq!(seen[1], format!("{SECRET} /ok"));
    assert_eq!(seen[2], "Basic bWU6czNjcjN0LysgInZhbHVlIg== /ok");
    assert_eq!(seen[3], "/ok?key=s3cr3t%2F%2B+%22value%22");
}

#[tokio::test]
async fn redirects_stay_on_the_server() {
    let visited: Arc<Mutex<u32>> = Arc::default();
    let count = visited.clone();
    let other = serve(Router::new().fallback(any(move || {
        *count.lock() += 1;
        async { "other" }
    })))
    .await;
    let routes = Router::new()
        .route(
            "/same",
            any(|| async { Redirect::temporary("/echo?moved=1") }),
        )
        .route("/post", any(|| async { Redirect::to("/echo") }))
        .route("/loop", any(|| async { Redirect::temporary("/loop") }))
        .route(
            "/other",
            any(move || async move { Redirect::temporary(&format!("http://{other}/")) }),
        )
        .route("/echo", any(echo));
    let address = serve(routes).await;
    let folder = Folder::new();
    let mut text = format!("[[http]]\nname='direct'\nurl='http://{other}/'\nresponse='text'\n");
    for path in ["same", "post", "loop", "other"] {
        let auth = "auth={kind='query',name='key',secret='PLAIN'}";
        text.push_str(&format!(
            "[[http]]\nname='{path}'\nmethod='POST'\nurl='http://{address}/{path}'\n{auth}\n"
        ));
    }
    let tools = folder.open(&text).await.unwrap();
    assert_eq!(
        value(&tools, "same", json!({})).await,
        json!({"method": "POST", "uri": "/echo?moved=1&key=[secret PLAIN]", "type": "application/json", "x": null, "body": {}})
    );
    assert_eq!(
        value(&tools, "post", json!({})).await,
        json!({"method": "GET", "uri": "/echo?key=[secret PLAIN]", "type": null, "x": null, "body": ""})
    );
    assert_eq!(
        error(&tools, "loop", json!({})).await,
        "RuntimeError: loop: the server redirects more than 5 times"
    );
    assert_eq!(
        error(&tools, "other", json!({})).await,
        "RuntimeError: other: the server redirects to another host, which is not followed"
    );
    assert_eq!(*visited.lock(), 0);
    assert_eq!(value(&tools, "direct", json!({})).await, json!("other"));
    assert_eq!(*visited.lock(), 1);
}

#[tokio::test]
async fn one_endpoint_answers_for_all_definitions() {
    let address = serve(Router::new().fallback(any(echo))).await;
    let folder = Folder::new();
    let tools = folder
        .open(&format!(
            "[[openai]]\nurl='http://{address}/run'\npointer='/body'\ntools=[{{type='function',name='a'}}]"
        ))
        .await
        .unwrap();
    assert_eq!(
        value(&tools, "a", json!({"q": [1]})).await,
        json!({"name": "a", "arguments": {"q": [1]}})
    );
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_allowed() {
    #[derive(Default)]
    struct Crowd {
        here: usize,
        most: usize,
    }
    let crowd: Arc<Mutex<Crowd>> = Arc::default();
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let (seen, held) = (crowd.clone(), gate.clone());
    let wait = move || {
        let (seen, held) = (seen.clone(), held.clone());
        async move {
            {
                let mut crowd = seen.lock();
                crowd.here += 1;
                crowd.most = crowd.most.max(crowd.here);
            }
            held.acquire().await.unwrap().forget();
            seen.lock().here -= 1;
            "1"
        }
    };
    let address = serve(Router::new().fallback(any(wait))).await;
    let folder = Folder::new();
    let tools = folder
        .open(&format!(
            "[[http]]\nname='t'\nurl='http://{address}/'\ntimeout_ms=600000"
        ))
        .await
        .unwrap();
    let tool = named(&tools, "t");
    let calls: Vec<_> = (0..CALLS_MAX + 20)
        .map(|_| tokio::spawn(tool.call(context(), arguments(json!({})))))
        .collect();
    until("as many as allowed are there", || {
        crowd.lock().here >= CALLS_MAX
    })
    .await;
    gate.add_permits(calls.len());
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().json, json!(1));
    }
    assert_eq!(crowd.lock().most, CALLS_MAX);
}

/// A client of the embedder that answers by itself.
struct Canned(Mutex<Vec<HttpRequest>>);

impl HttpClient for Canned {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse, HttpError>> {
        self.0.lock().push(request);
        Box::pin(async {
            Ok(HttpResponse {
                status: 200,
                location: None,
                body: b"[1]".to_vec(),
            })
        })
    }
}

#[tokio::test]
async fn the_embedder_may_bring_a_client() {
    let client = Arc::new(Canned(Mutex::default()));
    let folder = Folder::new();
    let file = folder
        .parse(
            "[[http]]\nname='t'\nmethod='DELETE'\nurl='https://example.com/x'\noutput_max_bytes=77",
        )
        .unwrap();
    let tools = file.open(&host().client(client.clone())).await.unwrap();
    assert_eq!(value(&tools, "t", json!({})).await, json!([1]));
    let requests = client.0.lock();
    assert_eq!(
        *requests,
        [HttpRequest {
            method: "DELETE".to_owned(),
            url: "https://example.com/x".parse().unwrap(),
            headers: Vec::new(),
            body: None,
            response_max_bytes: 77,
        }]
    );
}
