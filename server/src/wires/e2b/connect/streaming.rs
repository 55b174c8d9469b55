//! Streams of messages from the server.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::code::ConnectError;
use super::frame::frame;

/// Messages that wait for a client that reads slowly. Past them, the producer
/// waits.
const MESSAGES_WAITING: usize = 32;

/// The producer's end of a stream.
#[derive(Debug)]
pub(crate) struct Sender(mpsc::Sender<Bytes>);

impl Sender {
    /// Sends a message; false when the client has gone.
    pub(crate) async fn send(&self, message: &impl Serialize) -> bool {
        self.0.send(frame(false, message)).await.is_ok()
    }

    /// Ends the stream.
    pub(crate) async fn end(self, outcome: Result<(), ConnectError>) {
        let end = match outcome {
            Ok(()) => json!({}),
            Err(error) => json!({ "error": error }),
        };
        let _ = self.0.send(frame(true, &end)).await;
    }

    /// Waits until the client has gone.
    pub(crate) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// Frames on their way into an answer's body.
#[derive(Debug)]
pub(crate) struct EventStream(mpsc::Receiver<Bytes>);

impl Stream for EventStream {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(Ok))
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let head = [(header::CONTENT_TYPE, "application/connect+json")];
        (StatusCode::OK, head, Body::from_stream(self)).into_response()
    }
}

/// A stream and its producer's end.
pub(crate) fn stream() -> (Sender, EventStream) {
    let (sender, receiver) = mpsc::channel(MESSAGES_WAITING);
    (Sender(sender), EventStream(receiver))
}

#[cfg(test)]
mod tests {
    use super::super::code::Code;
    use super::*;
    use axum::body::to_bytes;

    #[tokio::test]
    async fn a_stream_ends_with_what_it_came_to() {
        let (sender, stream) = stream();
        assert!(sender.send(&json!({"a": 1})).await);
        let error = ConnectError::new(Code::Unimplemented, "no");
        sender.end(Err(error)).await;
        let response = stream.into_response();
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), 1 << 10).await.unwrap();
        let end = r#"{"error":{"code":"unimplemented","message":"no"}}"#;
        let mut expected = b"\0\0\0\0\x07{\"a\":1}\x02\0\0\0".to_vec();
        expected.push(end.len() as u8);
        expected.extend_from_slice(end.as_bytes());
        assert_eq!(body.as_ref(), expected);
    }

    #[tokio::test]
    async fn a_producer_learns_that_its_client_has_gone() {
        let (sender, stream) = stream();
        drop(stream);
        sender.gone().await;
        assert!(!sender.send(&json!({})).await);
    }
}
