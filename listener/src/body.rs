//! Bodies: of requests within their limits, of answers to their ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::Limits;
use crate::places::Place;

/// An error of a body, as bodies of any kind have it.
type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request, as it comes in.
pub(crate) struct Received {
    inner: Incoming,
    place: Arc<Place>,
    left_bytes: u64,
    pause: Duration,
    ends: Instant,
    timer: Pin<Box<Sleep>>,
    is_over: bool,
}

impl Received {
    pub(crate) fn new(inner: Incoming, place: Arc<Place>, limits: &Limits) -> Self {
        let now = Instant::now();
        let ends = now + limits.body_timeout;
        let mut body = Self {
            inner,
            place,
            left_bytes: limits.body_max_bytes,
            pause: limits.body_pause,
            ends,
            timer: Box::pin(tokio::time::sleep_until(ends.min(now + limits.body_pause))),
            is_over: false,
        };
        match body.inner.is_end_stream() {
            true => body.end(),
            false => body.place.receives(),
        }
        body
    }

    fn end(&mut self) {
        self.is_over = true;
        self.place.answers();
    }

    /// Some of it came.
    fn advance(&mut self) {
        let next = self.ends.min(Instant::now() + self.pause);
        self.timer.as_mut().reset(next);
        self.place.receives();
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let frame = match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                return match self.timer.as_mut().poll(context) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(()) => {
                        self.end();
                        Poll::Ready(Some(Err("the body came too slowly".into())))
                    }
                };
            }
        };
        match frame {
            None => {
                self.end();
                Poll::Ready(None)
            }
            Some(Err(error)) => {
                self.end();
                Poll::Ready(Some(Err(error.into())))
            }
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(left) = self.left_bytes.checked_sub(bytes) else {
                    self.end();
                    return Poll::Ready(Some(Err("the body is too large".into())));
                };
                self.left_bytes = left;
                if !self.place.holds(bytes) {
                    self.end();
                    return Poll::Ready(Some(Err("there is no room for the body".into())));
                }
                match self.inner.is_end_stream() {
                    true => self.end(),
                    false => self.advance(),
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // A handler that does not want the body answers without it.
        self.place.answers();
    }
}

/// The body of an answer. Once it is over, the client is to send the next
/// request.
pub(crate) struct Answered {
    pub(crate) inner: axum::body::Body,
    pub(crate) place: Arc<Place>,
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        // Of a body that was read while it was answered.
        self.place.releases();
        self.place.receives();
    }
}
