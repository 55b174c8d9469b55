//! The HTTP client of servers, with bounds on what they answer.
//!
//! The library bounds texts only, and keeps each stream that a server opens, also one for an
//! answer that the client has given.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::{Sse, SseStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::trees::{Trees, message_tree_max};
use super::guarded::{Breach, Breached};
use super::repairing::repaired;
use super::resuming::{Events, FRUITLESS_MAX, Resuming};
use memex_host_tools::TreeSize;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
/// The longest body of a failure that is read.
const FAILURE_MAX_BYTES: usize = 64 << 10;

type Failure = StreamableHttpError<reqwest::Error>;

/// A client for one connection.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    /// The longest message.
    maximum: usize,
    /// Of the large messages of all streams, one is read at a time.
    large: Arc<Semaphore>,
    breached: Breached,
    resuming: Resuming,
}

impl Client {
    pub(super) fn new(http: reqwest::Client, maximum: usize, breached: Breached) -> Self {
        Self {
            http,
            maximum,
            large: Arc::new(Semaphore::new(1)),
            breached,
            resuming: Resuming::default(),
        }
    }

    /// The events of a response, each of bounded length.
    fn events(&self, response: reqwest::Response) -> Events {
        let begin = (self.clone(), response, EventLength::default());
        let chunks = stream::try_unfold(begin, |(client, mut response, mut length)| async {
            let chunk: Option<Bytes> = response.chunk().await.map_err(io::Error::other)?;
            let Some(chunk) = chunk else { return Ok(None) };
            if length.longest(&chunk) > client.maximum {
                let breach = client.breach(Breach::Long(client.maximum));
                return Err(io::Error::other(breach));
            }
            Ok(Some((chunk, (client, response, length))))
        });
        self.sized(SseStream::from_bytes_stream(chunks.boxed()).boxed())
    }

    /// Events whose values are not too large. Those that are large at all pass one by one: the
    /// library asks for the next one once it has passed one on. Their end comes late enough.
    fn sized(&self, events: Events) -> Events {
        let client = self.clone();
        let begin = (events, None::<OwnedSemaphorePermit>);
        let sized = stream::unfold(begin, move |(mut events, passed)| {
            let client = client.clone();
            async move {
                drop(passed);
                let mut event = events.next().await?;
                if let Ok(Sse {
                    data: Some(data), ..
                }) = &mut event
                    && let Cow::Owned(message) = repaired(data.as_bytes())
                {
                    *data = String::from_utf8_lossy(&message).trim_end().to_owned();
                }
                let data = event.as_ref().ok().and_then(|event| event.data.as_deref());
                let taken = TreeSize::of(data.unwrap_or_default().as_bytes());
                if let Err(breach) = client.check(taken) {
                    return Some((Err(SseError::Body(Box::new(breach))), (events, None)));
                }
                let passing = match Trees::is_small(taken) {
                    true => None,
                    false => Arc::clone(&client.large).acquire_owned().await.ok(),
                };
                Some((event, (events, passing)))
            }
        });
        self.resuming.lasting(sized.boxed())
    }

    fn check(&self, taken: usize) -> Result<(), Breach> {
        let max = message_tree_max(self.maximum);
        if taken <= max {
            return Ok(());
        }
        Err(self.breach(Breach::Large(max)))
    }

    fn breach(&self, breach: Breach) -> Breach {
        // The first reason stays.
        let _ = self.breached.set(breach);
        breach
    }

    /// A message that is the body of a response.
    async fn message(&self, response: reqwest::Response) -> Result<ServerJsonRpcMessage, Failure> {
        let body = body(response, self.maximum).await?;
        self.check(TreeSize::of(&body))
            .map_err(|breach| Failure::Io(io::Error::other(breach)))?;
        Ok(serde_json::from_slice(&repaired(&body))?)
    }
}

impl StreamableHttpClient for Client {
    type Error = reqwest::Error;

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Events, Failure> {
        if self.resuming.is_over() {
            self.breach(Breach::Restless(FRUITLESS_MAX));
            // This one alone is not tried again.
            return Err(Failure::ServerDoesNotSupportSse);
        }
        let events = self.http.get_stream_with_max_sse_event_size(
            uri,
            session,
            last_event,
            token,
            headers,
            self.maximum,
        );
        Ok(self.sized(events.await?))
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failure> {
        let deleted = self.http.delete_session(uri, session, token, headers);
        deleted.await
    }

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let is_request = matches!(message, ClientJsonRpcMessage::Request(_));
        let has_session = session.is_some();
        let mut request = self
            .http
            .post(uri.as_ref())
            .header(ACCEPT, format!("{EVENTS}, {JSON}"))
            .header(CONTENT_TYPE, JSON)
            .body(serde_json::to_vec(&message)?);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(session) = session {
            request = request.header(SESSION, session.as_ref());
        }
        let response = request.send().await.map_err(Failure::Client)?;
        let status = response.status();
        let header = |name: HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        // Types of media are the same in any case.
        let kind = header(CONTENT_TYPE)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let session = header(SESSION);
        let is_json = kind.starts_with(JSON);
        match status {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                Ok(StreamableHttpPostResponse::Accepted)
            }
            StatusCode::NOT_FOUND if has_session => Err(Failure::SessionExpired),
            _ if !status.is_success() => {
                let may_tell =
                    is_json && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                let told = body(response, FAILURE_MAX_BYTES).await.unwrap_or_default();
                match serde_json::from_slice(&told) {
                    Ok(error @ ServerJsonRpcMessage::Error(_)) if may_tell => {
                        Ok(StreamableHttpPostResponse::Json(error, session))
                    }
                    _ => Err(unexpected(format!(
                        "HTTP {status}: {}",
                        String::from_utf8_lossy(&told)
                    ))),
                }
            }
            // Nothing is asked for: a stream would stay open for nothing.
            _ if !is_request && !is_json => Ok(StreamableHttpPostResponse::Accepted),
            _ if kind.starts_with(EVENTS) => Ok(StreamableHttpPostResponse::Sse(
                self.events(response),
                session,
            )),
            _ if is_json => match self.message(response).await {
                Ok(message) => Ok(StreamableHttpPostResponse::Json(message, session)),
                Err(Failure::Deserialize(_)) if !is_request => {
                    Ok(StreamableHttpPostResponse::Accepted)
                }
                Err(error) => Err(error),
            },
            _ => Err(Failure::UnexpectedContentType(Some(kind))),
        }
    }
}

fn unexpected(reason: String) -> Failure {
    Failure::UnexpectedServerResponse(Cow::Owned(reason))
}

/// The body of a response, if it is no longer than that.
async fn body(mut response: reqwest::Response, max_size: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::Client)? {
        if body.len().saturating_add(chunk.len()) > max_size {
            return Err(Failure::ResponseBodyTooLarge { max_size });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// How long the event is that a stream is in: events end with an empty line.
#[derive(Debug, Default)]
struct EventLength {
    event: usize,
    line: usize,
    is_behind_return: bool,
}

impl EventLength {
    /// The longest event that is known after this chunk.
    fn longest(&mut self, chunk: &[u8]) -> usize {
        let mut longest = self.event;
        for byte in chunk {
            let is_second = std::mem::take(&mut self.is_behind_return) && *byte == b'\n';
            match byte {
                _ if is_second => {}
                b'\r' | b'\n' => {
                    if self.line == 0 {
                        self.event = 0;
                    }
                    self.line = 0;
                    self.is_behind_return = *byte == b'\r';
                }
                _ => self.line = self.line.saturating_add(1),
            }
            self.event = self.event.saturating_add(1);
            longest = longest.max(self.event);
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::EventLength;

    #[test]
    fn events_end_with_an_empty_line_and_no_other() {
        for (chunks, least) in [
            (&["data: 1\n\ndata: 2\n\n"][..], 9),
            (&["data: 1\r\n\r\ndata: 2\r\n\r\n"], 11),
            (&["data: 1\r\n", "data: 2\r\n", "data: 3\r\n"], 27),
            (&["data: 1\r", "\ndata: 2\r", "\ndata: 3"], 25),
            (&["data: 1\n", "data: 2\n", "\n", "data: 3"], 16),
        ] {
            let mut length = EventLength::default();
            let longest = chunks.iter().map(|chunk| length.longest(chunk.as_bytes()));
            let longest = longest.max().unwrap_or_default();
            assert!(
                (least..least + 3).contains(&longest),
                "{chunks:?}: {longest}"
            );
        }
    }
}
