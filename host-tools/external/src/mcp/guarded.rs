//! The transport of a connection, with bounds on what a server can make of it.
//!
//! ```text
//!  server ──► requests ──────► answered here; too many unread answers end the connection
//!         ──► notifications ─► logged here, or dropped; of changed lists, one at a time
//!         ──► answers ───────► wait for room ──► the library ──► the call
//! ```
//! The library starts a task for each request and each notification, and keeps every answer
//! until it is sent, without a bound on any of them. A server needs no call for that.
#![expect(
    deprecated,
    reason = "servers of older protocol versions still ask for roots and write logs"
)]

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use rmcp::model::{
    CallToolResult, ClientJsonRpcMessage, ClientResult, ErrorCode, ErrorData, RequestId,
    ServerJsonRpcMessage, ServerNotification, ServerRequest, ServerResult,
};
use rmcp::service::RoleClient;
use rmcp::transport::Transport;
use tokio::time::Instant;

use super::super::trees::{Room, Trees};
use super::logging::log;
use super::reviving::revived;
use memex_host_tools::TreeSize;
use memex_scrubbing::Scrubber;

/// Answers to a server's requests that it may leave unread.
const ANSWERS_MAX: usize = 64;
/// Between two notices of changed lists that are passed on.
const NOTICE_PAUSE: Duration = Duration::from_millis(100);
/// How long room is kept for an answer that no call takes.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the host has ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Breach {
    #[error("a message was longer than {0} bytes")]
    Long(usize),
    #[error("a message takes more than {0} bytes as values")]
    Large(usize),
    #[error("the server left {} answers to its requests unread", ANSWERS_MAX)]
    Unread,
    #[error("the server ended {0} streams in a row that brought nothing")]
    Restless(u32),
}

/// The first reason, if the host has ended the connection.
pub(super) type Breached = Arc<OnceLock<Breach>>;

/// The room of answers that are on their way to their calls.
#[derive(Clone, Default)]
pub(super) struct Claims(Arc<Mutex<HashMap<RequestId, Room>>>);

impl Claims {
    /// The room of an answer, which its call keeps from now on.
    pub(super) fn take(&self, id: &RequestId) -> Room {
        self.0.lock().remove(id).unwrap_or_default()
    }

    fn keep(&self, id: RequestId, room: Room) {
        self.0.lock().insert(id.clone(), room);
        // An answer to a call that was given up is dropped, and nobody takes its room.
        let claims = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(CLAIM_TIMEOUT).await;
            drop(claims.take(&id));
        });
    }
}

type Sending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A transport between a server and the library.
pub(super) struct Guarded<T> {
    inner: T,
    server: Arc<str>,
    scrubber: Arc<Scrubber>,
    trees: Trees,
    breached: Breached,
    claims: Claims,
    answers: FuturesUnordered<Sending>,
    /// An answer that waits for room, and what it takes.
    waiting: Option<(ServerJsonRpcMessage, RequestId, usize)>,
    /// A notice of a changed list that is passed on at this time.
    notice: Option<(ServerNotification, Instant)>,
    noticed: Option<Instant>,
}

impl<T> Guarded<T> {
    pub(super) fn new(
        inner: T,
        server: Arc<str>,
        scrubber: Arc<Scrubber>,
        trees: Trees,
        breached: Breached,
    ) -> Self {
        Self {
            inner,
            server,
            scrubber,
            trees,
            breached,
            claims: Claims::default(),
            answers: FuturesUnordered::new(),
            waiting: None,
            notice: None,
            noticed: None,
        }
    }

    pub(super) fn claims(&self) -> Claims {
        self.claims.clone()
    }

    fn hear(&mut self, notification: ServerNotification) {
        match notification {
            ServerNotification::LoggingMessageNotification(message) => {
                log(&self.server, &message.params.data, &self.scrubber);
            }
            ServerNotification::ToolListChangedNotification(_) => {
                let now = Instant::now();
                let next = self
                    .noticed
                    .map_or(now, |last| now.max(last + NOTICE_PAUSE));
                self.notice.get_or_insert((notification, next));
            }
            // Nothing is asked for that the others tell of.
            _ => {}
        }
    }
}

impl<T: Transport<RoleClient>> Guarded<T> {
    /// Sends the answer to a request, beside what follows; `None` if there are too many.
    fn answer(&mut self, request: &ServerRequest, id: RequestId) -> Option<()> {
        if self.answers.len() >= ANSWERS_MAX {
            let _ = self.breached.set(Breach::Unread);
            return None;
        }
        let sending = self.inner.send(answer(request, id));
        self.answers.push(Box::pin(async move {
            // If it cannot be sent, the connection is over, which is noticed elsewhere.
            let _ = sending.await;
        }));
        Some(())
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Guarded<T> {
    type Error = T::Error;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(message)
    }

    /// May be dropped at any time, as the library does: what was received is kept.
    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if let Some((_, _, bytes)) = &self.waiting {
                let room = self.trees.room(*bytes).await;
                let (message, id, _) = self.waiting.take()?;
                self.claims.keep(id, room);
                return Some(message);
            }
            let due = self.notice.as_ref().map(|(_, due)| *due);
            if due.is_some_and(|due| due <= Instant::now()) {
                let (notice, _) = self.notice.take()?;
                self.noticed = Some(Instant::now());
                return Some(ServerJsonRpcMessage::notification(notice));
            }
            let message = tokio::select! {
                biased;
                Some(()) = self.answers.next(), if !self.answers.is_empty() => continue,
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => continue,
                message = self.inner.receive() => message?,
            };
            match message {
                ServerJsonRpcMessage::Request(asked) => self.answer(&asked.request, asked.id)?,
                ServerJsonRpcMessage::Notification(told) => self.hear(told.notification),
                ServerJsonRpcMessage::Response(mut response) => {
                    if let ServerResult::CustomResult(result) = response.result {
                        response.result = revived(result.0);
                    }
                    // Others are looked at and dropped.
                    let bytes = match &response.result {
                        ServerResult::CallToolResult(result) => size(result),
                        _ => 0,
                    };
                    let id = response.id.clone();
                    let message = ServerJsonRpcMessage::Response(response);
                    if Trees::is_small(bytes) {
                        return Some(message);
                    }
                    self.waiting = Some((message, id, bytes));
                }
                error @ ServerJsonRpcMessage::Error(_) => return Some(error),
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        // One that is half sent keeps the others from being sent.
        self.answers = FuturesUnordered::new();
        self.inner.close().await
    }
}

/// The host offers servers nothing.
fn answer(request: &ServerRequest, id: RequestId) -> ClientJsonRpcMessage {
    let method = match request {
        ServerRequest::PingRequest(_) => {
            return ClientJsonRpcMessage::response(ClientResult::empty(()), id);
        }
        ServerRequest::CreateMessageRequest(_) => "sampling/createMessage",
        ServerRequest::ListRootsRequest(_) => "roots/list",
        ServerRequest::ElicitRequest(_) => "elicitation/create",
        _ => "the method",
    };
    let reason = format!("{method} is not supported by this client");
    let error = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, reason, None);
    ClientJsonRpcMessage::error(error, Some(id))
}

/// What a result takes as values.
fn size(result: &CallToolResult) -> usize {
    struct Measure(TreeSize);
    impl Write for Measure {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut measure = Measure(TreeSize::default());
    match serde_json::to_writer(&mut measure, result) {
        Ok(()) => measure.0.bytes(),
        Err(_) => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    /// A transport whose messages are written down, and whose answers are read or not.
    struct Peer {
        messages: std::vec::IntoIter<Value>,
        reads: bool,
        read: Arc<Mutex<Vec<Value>>>,
    }

    impl Transport<RoleClient> for Peer {
        type Error = io::Error;

        fn send(
            &mut self,
            message: ClientJsonRpcMessage,
        ) -> impl Future<Output = io::Result<()>> + Send + 'static {
            let (reads, read) = (self.reads, Arc::clone(&self.read));
            async move {
                if !reads {
                    std::future::pending::<()>().await;
                }
                read.lock().push(serde_json::to_value(message).unwrap());
                Ok(())
            }
        }

        async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
            let message = self.messages.next()?;
            Some(serde_json::from_value(message).unwrap())
        }

        async fn close(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn guarded(messages: Vec<Value>, reads: bool) -> (Guarded<Peer>, Arc<Mutex<Vec<Value>>>) {
        let read = Arc::<Mutex<Vec<Value>>>::default();
        let messages = messages.into_iter();
        let peer = Peer {
            messages,
            reads,
            read: Arc::clone(&read),
        };
        let guarded = Guarded::new(
            peer,
            "server".into(),
            Arc::default(),
            Trees::new(),
            Breached::default(),
        );
        (guarded, read)
    }

    fn request(id: usize, method: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "method": method})
    }

    fn result(id: usize) -> Value {
        let result = json!({"content": [{"type": "text", "text": "x".repeat(100_000)}]});
        json!({"jsonrpc": "2.0", "id": id, "result": result})
    }

    #[tokio::test]
    async fn answers_that_are_not_read_are_bounded() {
        for (requests, reads, ends) in [
            (ANSWERS_MAX, false, false),
            (ANSWERS_MAX + 1, false, true),
            (10 * ANSWERS_MAX, true, false),
        ] {
            let mut messages: Vec<_> = (0..requests).map(|id| request(id, "ping")).collect();
            messages.push(result(1));
            let (mut guarded, read) = guarded(messages, reads);
            let received = guarded.receive().await;
            assert_eq!(received.is_none(), ends, "{requests} {reads}");
            let breach = guarded.breached.get().copied();
            assert_eq!(breach, ends.then_some(Breach::Unread), "{requests}");
            let read = read.lock().len();
            assert!(
                if reads {
                    read > requests - 3
                } else {
                    read == 0
                },
                "{read}"
            );
        }
    }

    #[tokio::test]
    async fn requests_and_notifications_go_no_further_than_here() {
        let notice = |method: &str| json!({"jsonrpc": "2.0", "method": method});
        let messages = vec![
            request(7, "roots/list"),
            notice("notifications/resources/list_changed"),
            notice("notifications/tools/list_changed"),
            notice("notifications/tools/list_changed"),
            result(1),
            notice("notifications/tools/list_changed"),
            result(2),
        ];
        let (mut guarded, read) = guarded(messages, true);
        let mut seen = Vec::new();
        while let Some(message) = guarded.receive().await {
            seen.push(serde_json::to_value(message).unwrap());
        }
        let methods: Vec<_> = seen.iter().map(|message| &message["method"]).collect();
        // One notice for two; the last one is passed on later.
        let changed = json!("notifications/tools/list_changed");
        assert_eq!(methods, [&changed, &Value::Null, &Value::Null], "{seen:?}");
        assert_eq!(read.lock()[0]["error"]["code"], -32601);
        // The room of both is kept for their calls.
        for id in [1, 2] {
            assert!(guarded.claims.0.lock().contains_key(&RequestId::Number(id)));
        }
    }
}
