//! Bodies of requests: what they are said to be, and collecting them, bounded and no larger
//! in memory than they are.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use futures_util::{Stream, StreamExt as _};

use crate::error::{ErrorKind, ServiceError};

/// Pieces below this are joined: a body can come byte by byte, and each would take the room
/// of a whole piece.
const SMALL_BYTES: usize = 4 << 10;
/// What small pieces are joined to.
const JOINED_BYTES: usize = 64 << 10;

/// Collects a body.
#[derive(Debug)]
pub(crate) struct Pieces {
    most: usize,
    bytes: usize,
    pieces: Vec<Bytes>,
    /// Small ones, which follow the others.
    small: Vec<u8>,
}

impl Pieces {
    /// Of a body of at most so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            bytes: 0,
            pieces: Vec::new(),
            small: Vec::new(),
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// When it is one too many.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<(), ServiceError> {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > self.most {
            return Err(too_large(self.most));
        }
        if piece.len() < SMALL_BYTES {
            self.small.extend_from_slice(&piece);
            if self.small.len() >= JOINED_BYTES {
                self.join();
            }
        } else {
            self.join();
            self.pieces.push(piece);
        }
        Ok(())
    }

    /// The whole body, in pieces.
    pub(crate) fn into_body(mut self) -> Vec<Bytes> {
        self.join();
        self.pieces
    }

    fn join(&mut self) {
        if !self.small.is_empty() {
            self.pieces
                .push(Bytes::from(std::mem::take(&mut self.small)));
        }
    }
}

/// Reads a body of at most so many bytes to its end.
///
/// # Errors
/// When it breaks off, or is too large.
pub(crate) async fn collected<E: std::fmt::Display>(
    body: impl Stream<Item = Result<Bytes, E>>,
    most: usize,
) -> Result<Vec<Bytes>, ServiceError> {
    let mut pieces = Pieces::new(most);
    let mut body = std::pin::pin!(body);
    while let Some(piece) = body.next().await {
        pieces.push(piece.map_err(broken)?)?;
    }
    Ok(pieces.into_body())
}

/// The same, in one piece.
///
/// # Errors
/// As [`collected`].
pub(crate) async fn whole(body: Body, most: usize) -> Result<Bytes, ServiceError> {
    let mut pieces = collected(body.into_data_stream(), most).await?;
    match pieces.len() {
        0 | 1 => Ok(pieces.pop().unwrap_or_default()),
        _ => Ok(Bytes::from(pieces.concat())),
    }
}

/// What a body is said to be: its media type without parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let name = value.split(';').next().unwrap_or_default();
    Some(name.trim().to_ascii_lowercase())
}

/// The body broke off, or the listener cut it.
pub(crate) fn broken(error: impl std::fmt::Display) -> ServiceError {
    let text = error.to_string();
    match text.contains("too large") || text.contains("limit") {
        true => ServiceError::new(
            ErrorKind::TooLarge,
            "too-large",
            "the body is larger than this server takes at once",
            TOO_LARGE_REMEDY,
        ),
        false => ServiceError::invalid(
            format!("the body was not read to its end: {text}"),
            "send it again",
        ),
    }
}

const TOO_LARGE_REMEDY: &str =
    "send less at a time: a file in parts, which are joined in the sandbox";

/// Refuses what has more than `most` bytes.
pub(crate) fn too_large(most: usize) -> ServiceError {
    ServiceError::new(
        ErrorKind::TooLarge,
        "too-large",
        format!("the body has more than {most} bytes"),
        TOO_LARGE_REMEDY,
    )
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    fn cut(bytes: &[u8], sizes: &[usize]) -> Vec<Result<Bytes, Infallible>> {
        let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
        let mut made = Vec::new();
        while !rest.is_empty() {
            let size = sizes.next().map_or(1, |size| (*size).clamp(1, rest.len()));
            let (piece, after) = rest.split_at(size);
            made.push(Ok(Bytes::copy_from_slice(piece)));
            rest = after;
        }
        made
    }

    #[tokio::test]
    async fn a_body_that_comes_byte_by_byte_takes_no_more_than_one_that_does_not() {
        let bytes: Vec<u8> = (0..1 << 20_u32).map(|at| (at % 251) as u8).collect();
        for sizes in [
            &[1][..],
            &[SMALL_BYTES - 1],
            &[SMALL_BYTES],
            &[1, SMALL_BYTES, 7],
            &[1 << 19],
        ] {
            let pieces = collected(stream::iter(cut(&bytes, sizes)), bytes.len()).await;
            let pieces = pieces.unwrap();
            assert_eq!(pieces.concat(), bytes, "{sizes:?}");
            let room = pieces.len() * size_of::<Bytes>();
            assert!(room <= bytes.len() / 32, "{sizes:?}: {room}");
            let body = Body::from_stream(stream::iter(cut(&bytes, sizes)));
            assert_eq!(whole(body, bytes.len()).await.unwrap(), bytes);
        }
        assert_eq!(whole(Body::empty(), 0).await.unwrap(), Bytes::new());
    }

    #[tokio::test]
    async fn a_body_is_bounded_in_whatever_pieces_it_comes() {
        for sizes in [&[1][..], &[1 << 10], &[1 << 13]] {
            let pieces = || stream::iter(cut(&[7; 1 << 13], sizes));
            assert!(collected(pieces(), 1 << 13).await.is_ok());
            let refused = collected(pieces(), (1 << 13) - 1).await.unwrap_err();
            assert_eq!(
                (refused.kind, refused.code),
                (ErrorKind::TooLarge, "too-large")
            );
        }
    }
}
