//! One request and its answer on a connection of their own.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::connection::Stream;
use super::decoding::{BodyFault, BodyReader, Encoding};
use super::error::HttpError;
use super::headers::size_of_pairs;
use super::limits::HttpLimits;
use super::target::Target;

/// What a server answered, decompressed and within the limits.
pub(super) struct RawResponse {
    pub(super) status: StatusCode,
    pub(super) reason: Vec<u8>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Bytes of a response's head that no limit of headers counts: the status
/// line, and what stands between names and values.
const HEAD_SLACK_BYTES: usize = 16 << 10;
/// Headers that are read beyond the limit, to say by name which it was.
const HEADERS_SLACK_COUNT: usize = 64;

/// Which answers are read.
pub(super) struct Reading<'a> {
    pub(super) target: &'a Target,
    pub(super) limits: &'a HttpLimits,
    /// Whether a body may be in an encoding that is not read here.
    pub(super) takes_unknown_encodings: bool,
    /// Whether the body is wanted whatever the status; that of a redirect
    /// which is followed is not.
    pub(super) follows_redirects: bool,
}

/// Sends a request and reads the answer. Dropping the future closes the
/// connection: nothing of it runs elsewhere.
pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    reading: Reading<'_>,
) -> Result<RawResponse, HttpError> {
    let limits = reading.limits;
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(
            limits
                .response_headers_max_count
                .saturating_add(HEADERS_SLACK_COUNT),
        )
        .max_buf_size(
            limits
                .response_headers_max_bytes
                .saturating_add(HEAD_SLACK_BYTES),
        )
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|error| reading.fault(&error))?;
    let talk = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| reading.fault(&error))?;
        reading.read(response).await
    };
    let mut talk = pin!(talk);
    let mut connection = pin!(connection);
    let mut is_connected = true;
    poll_fn(|context| {
        if let Poll::Ready(answer) = talk.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        // What ends the connection reaches the talk through its channel.
        if is_connected && connection.as_mut().poll(context).is_ready() {
            is_connected = false;
            return talk.as_mut().poll(context);
        }
        Poll::Pending
    })
    .await
}

impl Reading<'_> {
    async fn read(
        &self,
        response: http::Response<hyper::body::Incoming>,
    ) -> Result<RawResponse, HttpError> {
        let (head, mut body) = response.into_parts();
        let reason = match head.extensions.get::<ReasonPhrase>() {
            Some(phrase) => phrase.as_bytes().to_vec(),
            None => head.status.canonical_reason().unwrap_or_default().into(),
        };
        let mut answer = RawResponse {
            status: head.status,
            reason,
            headers: head.headers,
            body: Vec::new(),
        };
        self.check_headers(&answer.headers)?;
        if self.follows_redirects && answer.is_redirect() {
            return Ok(answer);
        }
        let encoding = Encoding::of(&answer.headers);
        if encoding == Encoding::Unknown && !self.takes_unknown_encodings {
            return Err(self.connection_error("its body is in an encoding that is not read here"));
        }
        let mut reader = BodyReader::new(encoding, self.limits.response_body_max_bytes);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.fault(&error))?;
            // Trailers are not passed on.
            if let Some(bytes) = frame.data_ref() {
                reader.push(bytes).map_err(|fault| self.body_error(fault))?;
            }
        }
        answer.body = reader.finish().map_err(|fault| self.body_error(fault))?;
        if matches!(encoding, Encoding::Gzip | Encoding::Brotli) {
            answer.headers.remove(http::header::CONTENT_ENCODING);
            answer.headers.remove(http::header::CONTENT_LENGTH);
        }
        Ok(answer)
    }

    fn check_headers(&self, headers: &HeaderMap) -> Result<(), HttpError> {
        let sizes = headers
            .iter()
            .map(|(name, value)| (name.as_str().len(), value.len()));
        if headers.len() > self.limits.response_headers_max_count {
            return Err(self.too_large(
                "response_headers_max_count",
                self.limits.response_headers_max_count,
            ));
        }
        if size_of_pairs(sizes) > self.limits.response_headers_max_bytes {
            return Err(self.too_large(
                "response_headers_max_bytes",
                self.limits.response_headers_max_bytes,
            ));
        }
        Ok(())
    }

    fn body_error(&self, fault: BodyFault) -> HttpError {
        match fault {
            BodyFault::TooLarge => {
                self.too_large("http_response_bytes", self.limits.response_body_max_bytes)
            }
            BodyFault::Damaged => self.connection_error("its body cannot be decompressed"),
        }
    }

    fn too_large(&self, limit_name: &'static str, limit: usize) -> HttpError {
        HttpError::ResponseTooLarge {
            origin: self.target.origin(),
            limit_name,
            limit,
        }
    }

    fn connection_error(&self, reason: &'static str) -> HttpError {
        HttpError::Connection {
            origin: self.target.origin(),
            reason,
            detail: reason.to_owned(),
        }
    }

    fn fault(&self, error: &hyper::Error) -> HttpError {
        let reason = if error.is_parse() {
            "its response is not HTTP/1.1, or has far more headers than are read"
        } else if error.is_incomplete_message() || ends_early(error) {
            "the connection was closed before the response was complete"
        } else {
            "the connection broke"
        };
        HttpError::Connection {
            origin: self.target.origin(),
            reason,
            detail: chain(error),
        }
    }
}

impl RawResponse {
    /// Whether it is a redirect that names a place.
    pub(super) fn is_redirect(&self) -> bool {
        matches!(self.status.as_u16(), 301 | 302 | 303 | 307 | 308)
            && self.headers.contains_key(http::header::LOCATION)
    }
}

/// Whether the cause is that the peer left.
fn ends_early(error: &hyper::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
