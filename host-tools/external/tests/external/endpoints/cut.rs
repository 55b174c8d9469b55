//! Answers of which a caller would see a part.

use super::serve;
use crate::support::{Folder, error, value};
use axum::Router;
use axum::extract::Request;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::any;
use serde_json::json;

#[tokio::test]
async fn calls_cannot_cut_answers_that_may_hold_a_secret() {
    let folder = Folder::new();
    let address = serve(Router::new().fallback(any(|request: Request| async move {
        format!("{:?}", request.headers().get(header::RANGE))
    })))
    .await;
    let declare = |headers: &str, auth: &str| {
        format!(
            "[[http]]\nname='t'\nurl='http://{address}/'\nresponse='text'\nheaders={{{headers}}}\n{auth}\n\
             parameters={{type='object',properties={{part={{type='string'}}}},required=['part']}}"
        )
    };
    let auth = "auth={kind='bearer',secret='PLAIN'}";
    for name in [
        "Range",
        "if-range",
        "Accept-Charset",
        "Accept-Encoding",
        "A-IM",
    ] {
        let error = folder
            .parse(&declare(&format!("'{name}'='{{part}}'"), auth))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!(
                "a call may not choose `{name}` where `auth` sends a secret"
            )),
            "{error}"
        );
    }
    // The controls: without a secret, and a fixed value of the owner's.
    let tools = folder.open(&declare("Range='{part}'", "")).await.unwrap();
    let answer = value(&tools, "t", json!({"part": "bytes=0-1"})).await;
    assert_eq!(answer, json!("Some(\"bytes=0-1\")"));
    let fixed = declare("Range='bytes=0-9','x-part'='{part}'", auth);
    let tools = folder.open(&fixed).await.unwrap();
    let answer = value(&tools, "t", json!({"part": "bytes=0-1"})).await;
    assert_eq!(answer, json!("Some(\"bytes=0-9\")"));
}

/// In a compressed body, no secret would be found.
#[tokio::test]
async fn a_compressed_answer_that_was_not_asked_for_is_refused() {
    let folder = Folder::new();
    let address = serve(Router::new().fallback(any(|request: Request| async move {
        let encoding = request.uri().path().trim_start_matches('/').to_owned();
        ([(header::CONTENT_ENCODING, encoding)], "body").into_response()
    })))
    .await;
    let declare = |encoding: &str| {
        format!("[[http]]\nname='t'\nurl='http://{address}/{encoding}'\nresponse='text'")
    };
    let tools = folder.open(&declare("identity")).await.unwrap();
    assert_eq!(value(&tools, "t", json!({})).await, json!("body"));
    let tools = folder.open(&declare("gzip")).await.unwrap();
    assert_eq!(
        error(&tools, "t", json!({})).await,
        "RuntimeError: t: the answer is in an encoding that is not read here"
    );
}
