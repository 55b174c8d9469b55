//! Bodies of requests on their way, held against the quota of the tenant that sends them.
//!
//! The listener bounds what the bodies of all requests take together, and knows no tenants.
//! Behind a proxy they have one address. So a tenant pays for each of its bodies from the
//! first byte to the end of the answer, as long as the listener counts it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};

use super::problem::Refusal;
use crate::tenants::InFlight;

pub(super) async fn pay(mut request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let flight = InFlight::default();
    request.extensions_mut().insert(flight.clone());
    let paid = flight.clone();
    let request = request.map(|inner| Body::new(Arriving { inner, paid }));
    let response = next.run(request).await;
    if let Some(refused) = flight.refusal() {
        // Whatever the handler made of a body that broke off.
        return Refusal(refused).into_response();
    }
    response.map(|inner| {
        Body::new(Answering {
            inner,
            flight: Some(flight),
        })
    })
}

/// The body of a request, which is paid for as it comes.
struct Arriving {
    inner: Body,
    paid: InFlight,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(refused) = self.paid.grow(data.len())
        {
            return Poll::Ready(Some(Err(axum::Error::new(refused))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The body of an answer, up to whose end that of the request counts.
struct Answering {
    inner: Body,
    flight: Option<InFlight>,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if (frame.is_none() || self.inner.is_end_stream())
            && let Some(flight) = self.flight.take()
        {
            flight.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            flight.end();
        }
    }
}
