//! Requests: what a call brings.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, header};
use serde::de::DeserializeOwned;

use super::code::{Code, ConnectError};
use super::frame::only_payload;
use crate::json::object;
use crate::pieces::{media_type, whole};

/// Bytes of a call's request: paths and command lines.
const REQUEST_MAX_BYTES: usize = 1 << 20;
/// The longest time that a client may set for a call: digits, as the protocol
/// says it.
const TIMEOUT_MAX_DIGITS: usize = 10;

/// A decoded call.
#[derive(Debug)]
pub(crate) struct Call<T> {
    pub(crate) message: T,
    /// When the client stops waiting.
    pub(crate) timeout: Option<Duration>,
}

/// Reads a unary call.
pub(crate) async fn unary_request<T: DeserializeOwned>(
    request: Request<Body>,
) -> Result<Call<T>, ConnectError> {
    let (timeout, body) = body_of(request, "application/json").await?;
    Ok(Call {
        message: decoded(&body)?,
        timeout,
    })
}

/// Reads a call that is answered by a stream.
pub(crate) async fn stream_request<T: DeserializeOwned>(
    request: Request<Body>,
) -> Result<Call<T>, ConnectError> {
    let (timeout, body) = body_of(request, "application/connect+json").await?;
    Ok(Call {
        message: decoded(&only_payload(&body)?)?,
        timeout,
    })
}

async fn body_of(
    request: Request<Body>,
    content_type: &str,
) -> Result<(Option<Duration>, Bytes), ConnectError> {
    if request.method() != Method::POST {
        let message = "calls are made by POST";
        return Err(ConnectError::new(Code::Unimplemented, message));
    }
    let headers = request.headers();
    let found = media_type(headers);
    if found.as_deref() != Some(content_type) {
        let found = found.as_deref().unwrap_or("none");
        let message = format!(
            "the content type is {found}\nhint: this call takes {content_type}; \
             set the client to JSON instead of binary messages"
        );
        return Err(ConnectError::new(Code::Unimplemented, message));
    }
    for name in [
        header::CONTENT_ENCODING.as_str(),
        "connect-content-encoding",
    ] {
        let encoding = headers.get(name).and_then(|value| value.to_str().ok());
        if encoding.is_some_and(|encoding| encoding != "identity") {
            let message = "the request is compressed\nhint: send calls without compression";
            return Err(ConnectError::new(Code::Unimplemented, message));
        }
    }
    let timeout = deadline_of(headers)?;
    let body = whole(request.into_body(), REQUEST_MAX_BYTES).await?;
    Ok((timeout, body))
}

/// The time after which the client stops waiting, if it says one.
fn deadline_of(headers: &HeaderMap) -> Result<Option<Duration>, ConnectError> {
    let Some(value) = headers.get("connect-timeout-ms") else {
        return Ok(None);
    };
    let digits = value.to_str().ok().filter(|text| {
        (1..=TIMEOUT_MAX_DIGITS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit())
    });
    match digits.and_then(|text| text.parse().ok()) {
        Some(milliseconds) => Ok(Some(Duration::from_millis(milliseconds))),
        None => Err(ConnectError::new(
            Code::InvalidArgument,
            "the header Connect-Timeout-Ms holds no number of at most 10 digits",
        )),
    }
}

fn decoded<T: DeserializeOwned>(body: &Bytes) -> Result<T, ConnectError> {
    // An empty message has no bytes in the binary form; some clients send none
    // in JSON either.
    object(body).map_err(|error| {
        let message = format!("the message cannot be read: {error}");
        ConnectError::new(Code::InvalidArgument, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn request(content_type: &str, body: &'static str) -> Request<Body> {
        Request::post("/filesystem.Filesystem/Stat")
            .header("content-type", content_type)
            .body(Body::from(body))
            .unwrap()
    }

    #[tokio::test]
    async fn calls_are_json_by_post() {
        let good = request("Application/JSON; charset=utf-8", r#"{"path":"/a"}"#);
        let call = unary_request::<Value>(good).await.unwrap();
        assert_eq!(call.message["path"], "/a");
        assert_eq!(call.timeout, None);
        let empty = unary_request::<Value>(request("application/json", "")).await;
        assert_eq!(empty.unwrap().message, serde_json::json!({}));

        for (content_type, body, code) in [
            ("application/proto", "", Code::Unimplemented),
            ("application/connect+json", "{}", Code::Unimplemented),
            ("text/plain", "{}", Code::Unimplemented),
            ("application/json", "{", Code::InvalidArgument),
            ("application/json", "\u{0}", Code::InvalidArgument),
        ] {
            let error = unary_request::<Value>(request(content_type, body)).await;
            assert_eq!(error.unwrap_err().code, code, "{content_type} {body}");
        }
        let mut get = request("application/json", "{}");
        *get.method_mut() = Method::GET;
        let error = unary_request::<Value>(get).await.unwrap_err();
        assert_eq!(error.code, Code::Unimplemented);
    }

    #[tokio::test]
    async fn bodies_compression_and_times_are_bounded() {
        let at_most = |bytes: usize| {
            Request::post("/x")
                .header("content-type", "application/json")
                .body(Body::from(format!("{{{}}}", " ".repeat(bytes - 2))))
                .unwrap()
        };
        assert!(
            unary_request::<Value>(at_most(REQUEST_MAX_BYTES))
                .await
                .is_ok()
        );
        let error = unary_request::<Value>(at_most(REQUEST_MAX_BYTES + 1)).await;
        assert_eq!(error.unwrap_err().code, Code::ResourceExhausted);

        let mut packed = request("application/json", "{}");
        packed
            .headers_mut()
            .insert("content-encoding", "gzip".parse().unwrap());
        let error = unary_request::<Value>(packed).await.unwrap_err();
        assert_eq!(error.code, Code::Unimplemented);

        let timed = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("connect-timeout-ms", value.parse().unwrap());
            deadline_of(&headers)
        };
        assert_eq!(timed("1500").unwrap(), Some(Duration::from_millis(1500)));
        for bad in ["", "-1", "+1", "1.5", "12345678901", "x"] {
            assert!(timed(bad).is_err(), "{bad}");
        }
    }
}
