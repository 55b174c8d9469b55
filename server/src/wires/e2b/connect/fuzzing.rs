//! Calls, for the fuzz target.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request};
use futures_util::FutureExt as _;
use serde_json::Value;

use super::call::{stream_request, unary_request};
use super::frame::{frame, only_payload};

/// Reads a call both as one that is answered at once and as one that is answered by a
/// stream. A payload lies in its body, and a frame is read as it is written.
pub(in super::super) fn check_call(headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
    let body = Bytes::copy_from_slice(body);
    if let Ok(payload) = only_payload(&body)
        && body.get(5..) != Some(payload.as_ref())
    {
        return Err("the payload is not the rest of the body".to_owned());
    }
    let request = || {
        let mut request = Request::new(Body::from(body.clone()));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers.clone();
        request
    };
    let unary = unary_request::<Value>(request()).now_or_never();
    let stream = stream_request::<Value>(request()).now_or_never();
    for call in [unary, stream] {
        match call {
            None => return Err("a body that is there was waited for".to_owned()),
            Some(Ok(call)) => {
                let written = frame(false, &call.message);
                let read = only_payload(&written).map_err(|error| error.message)?;
                if serde_json::from_slice::<Value>(&read).is_err() {
                    return Err("a message is not read once it is written".to_owned());
                }
            }
            Some(Err(error)) if error.message.is_empty() => return Err("no reason".to_owned()),
            Some(Err(_)) => {}
        }
    }
    Ok(())
}
