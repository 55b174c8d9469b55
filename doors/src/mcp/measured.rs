//! Messages, measured by what they take as values before they are parsed: `{"":0}` takes a
//! hundred times its text.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use memex_host_tools::TreeSize;
use tokio::io::{AsyncRead, ReadBuf};

/// What a message may take as values. Code and the content of files, of which long ones are
/// made, are texts, and take what they are long.
const VALUES_MAX_BYTES: usize = 64 << 20;
/// The longest body that is read, where the listener allows more.
const BODY_MAX_BYTES: usize = 32 << 20;

/// Lets a message over HTTP pass unless its values take too much.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_MAX_BYTES).await else {
        // Too long, or broken off; then nobody reads this.
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match TreeSize::check(&bytes, VALUES_MAX_BYTES) {
        Ok(_) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        Err(what) => {
            let what = format!("the message {what}");
            (StatusCode::PAYLOAD_TOO_LARGE, what).into_response()
        }
    }
}

/// A stream of messages, one a line. What is left of a line whose values take too much is
/// blank: half a message is none, and is answered as such.
pub(super) struct MeasuredLines<R> {
    inner: R,
    tree: TreeSize,
    is_too_large: bool,
}

impl<R> MeasuredLines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            tree: TreeSize::default(),
            is_too_large: false,
        }
    }

    fn measure(&mut self, bytes: &mut [u8]) {
        for piece in bytes.split_inclusive_mut(|byte| *byte == b'\n') {
            let is_end = piece.ends_with(b"\n");
            self.tree.push(piece);
            self.is_too_large |= self.tree.bytes() > VALUES_MAX_BYTES;
            if self.is_too_large {
                let blank = piece.len() - usize::from(is_end);
                piece.iter_mut().take(blank).for_each(|byte| *byte = b' ');
            }
            if is_end {
                (self.tree, self.is_too_large) = (TreeSize::default(), false);
            }
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for MeasuredLines<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if let Some(read) = buffer.filled_mut().get_mut(before..) {
            self.measure(read);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::{MeasuredLines, VALUES_MAX_BYTES};
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_line_whose_values_take_too_much_is_cut_and_the_next_one_is_not() {
        let small = "{\"a\": [1, {\"b\": null}]}\n";
        let text = format!("{{\"code\": \"{}\"}}\n", "{},".repeat(1 << 20));
        let large = format!("[{}0]\n", "{\"\":0},".repeat(VALUES_MAX_BYTES / 600));
        let given = format!("{small}{large}{text}{small}");
        let mut read = String::new();
        let mut lines = MeasuredLines::new(given.as_bytes());
        // In pieces, as a pipe has them.
        let mut piece = vec![0; 50_000];
        while let count @ 1.. = lines.read(&mut piece).await.unwrap() {
            read.push_str(std::str::from_utf8(piece.get(..count).unwrap()).unwrap());
        }
        assert_eq!(read.len(), given.len());
        let read: Vec<&str> = read.split_inclusive('\n').collect();
        assert_eq!(read.len(), 4);
        assert_eq!((read[0], read[2], read[3]), (small, text.as_str(), small));
        assert!(read[1].trim_end().len() < large.len() && read[1].ends_with(" \n"));
        assert!(serde_json::from_str::<serde_json::Value>(read[1]).is_err());
    }
}
