//! The tool as the broker calls it.

use crate::servers::{Received, Server, ok};
use crate::world::{egress, grant};
use memex_external::egress::Fetch;
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

async fn fetch(server: &Server, arguments: Value, parts: &[&[u8]]) -> Result<Answer, ToolError> {
    let egress = egress([grant("example.test", server.port)])
        .build()
        .unwrap();
    let tool = Fetch::new(egress);
    let Value::Object(json) = arguments else {
        panic!("{arguments}");
    };
    let context = CallContext {
        session: "session".into(),
        deadline: Instant::now() + Duration::from_secs(60),
        cancelled: CancellationToken::new(),
    };
    let parts = parts.iter().map(|part| part.to_vec()).collect();
    tool.call(context, Arguments { json, parts }).await
}

async fn echo() -> (Server, String) {
    let server = Server::start(|request: &Received| ok(&request.body)).await;
    let url = format!("http://example.test:{}/x", server.port);
    (server, url)
}

#[tokio::test]
async fn a_response_is_a_record_with_a_binary_body() {
    let (server, url) = echo().await;
    let arguments = json!({
        "url": url, "method": "POST", "headers": {"X-A": "1"}, "body": {"$part": 1},
        "timeout_s": 5, "follow_redirects": false,
    });
    let answer = fetch(&server, arguments, &[b"not this", b"\xff\x00"])
        .await
        .unwrap();
    let expected = json!({
        "status": 200, "reason": "OK", "url": url,
        "headers": [["content-length", "2"]], "body": {"$part": 0},
    });
    assert_eq!(
        (answer.json, answer.parts),
        (expected, vec![b"\xff\x00".to_vec()])
    );
    let received = server.request();
    assert_eq!(received.line(), "POST /x HTTP/1.1");
    assert_eq!(received.values("x-a"), ["1"]);
}

#[tokio::test]
async fn everything_but_the_url_may_be_left_out_or_none() {
    let (server, url) = echo().await;
    let none = json!({"url": url, "headers": null, "body": null, "timeout_s": null});
    for arguments in [json!({"url": url}), none] {
        let answer = fetch(&server, arguments, &[]).await.unwrap();
        assert_eq!(answer.json["status"], 200);
        assert_eq!(server.requests().last().unwrap().line(), "GET /x HTTP/1.1");
    }
    let text = json!({"url": url, "method": "put", "body": "ü"});
    assert_eq!(
        fetch(&server, text, &[]).await.unwrap().parts,
        ["ü".as_bytes()]
    );
}

#[tokio::test]
async fn what_goes_wrong_is_a_builtin_exception() {
    let (server, url) = echo().await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let cases = [
        (json!({"url": "https://evil.test/"}), "PermissionError"),
        (json!({"url": "file:///etc/passwd"}), "PermissionError"),
        (
            json!({"url": url, "headers": {"host": "x"}}),
            "PermissionError",
        ),
        (json!({"url": "nonsense"}), "ValueError"),
        (json!({"url": url, "timeout_s": 0}), "ValueError"),
        (json!({"url": url, "timeout_s": -1.5}), "ValueError"),
        (json!({"url": url, "timeout_s": 1e-12}), "ValueError"),
        (
            json!({"url": url, "headers": {"a": " b\t"}, "timeout_s": 1e300}),
            "200",
        ),
        (json!({"url": url, "headers": {"a": "b\n"}}), "ValueError"),
        (json!({"url": url, "body": {"$part": 0}}), "TypeError"),
        (json!({"url": url, "body": {"$part": -1}}), "TypeError"),
        (json!({"url": url, "body": [1]}), "TypeError"),
        (json!({"url": url, "headers": {"a": 1}}), "TypeError"),
        (json!({"url": url, "headers": []}), "TypeError"),
        (json!({"url": url, "method": 1}), "TypeError"),
        (json!({"url": url, "timeout_s": "1"}), "TypeError"),
        (json!({"url": url, "follow_redirects": 1}), "TypeError"),
        (json!({"url": 1}), "TypeError"),
        (json!({}), "TypeError"),
    ];
    for (arguments, class) in cases {
        let outcome = fetch(&server, arguments.clone(), &[]).await;
        let got = outcome.map_or_else(|e| e.class.to_owned(), |a| a.json["status"].to_string());
        assert_eq!(got, class, "{arguments}");
    }
    let egress = egress([grant("example.test", closed)]).build().unwrap();
    let request = crate::world::get(format!("http://example.test:{closed}"));
    let error: ToolError = egress.request("s", request).await.unwrap_err().into();
    assert_eq!(error.class, "ConnectionError");
    // What the system says is for the host's log.
    assert!(
        error
            .detail
            .is_some_and(|detail| !error.message.contains(&detail))
    );
}

#[tokio::test]
async fn the_description_fits_the_tool() {
    let (server, _) = echo().await;
    let tool = Fetch::new(
        egress([grant("example.test", server.port)])
            .build()
            .unwrap(),
    );
    let spec = tool.spec();
    assert_eq!(spec.name, "fetch");
    assert_eq!(spec.parameters["required"], json!(["url"]));
    assert_eq!(spec.parameters["additionalProperties"], json!(false));
    let returns = spec.returns.as_ref().unwrap();
    assert_eq!(returns["properties"]["body"]["format"], "binary");
    assert_eq!(spec.timeout, Some(Duration::from_secs(61)));
}
