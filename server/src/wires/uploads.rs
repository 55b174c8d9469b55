//! Bodies of requests that become files: bounded, as they come or unpacked.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use flate2::write::GzDecoder;
use futures_util::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{ErrorKind, ServiceError};
use crate::pieces::{collected, too_large};

/// Bytes of one upload, unpacked. The listener's bound for bodies applies before it.
pub(crate) const UPLOAD_MAX_BYTES: usize = 64 << 20;

/// How long one waits for its place.
const PLACE_WAIT: Duration = Duration::from_secs(10);

/// Reads a body that is packed with gzip. What it unpacks to is bounded while it is
/// unpacked, and so is how many of them are held at a time: `places` are those of the tenant.
///
/// # Errors
/// When it breaks off, is no gzip, or unpacks to too much.
pub(crate) async fn unpacked<E: std::fmt::Display>(
    body: impl Stream<Item = Result<Bytes, E>>,
    places: &Arc<Semaphore>,
) -> Result<Vec<Bytes>, ServiceError> {
    let not_gzip = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => too_large(UPLOAD_MAX_BYTES),
        _ => ServiceError::invalid(
            format!("the body is no gzip: {error}"),
            "pack it whole, or send it without Content-Encoding",
        ),
    };
    let packed = collected(body, UPLOAD_MAX_BYTES).await?;
    let place = tokio::time::timeout(PLACE_WAIT, Arc::clone(places).acquire_owned()).await;
    let Ok(Ok(place)) = place else {
        return Err(ServiceError::new(
            ErrorKind::Unavailable,
            "unpacking",
            "as many packed uploads of the tenant as may be are being worked on",
            "try again in a moment, or send it without Content-Encoding",
        )
        .retry_after(Duration::from_secs(1)));
    };
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut decoder = GzDecoder::new(Bounded::default());
        for piece in packed {
            decoder.write_all(&piece)?;
        }
        decoder.finish().map(|bounded| bounded.0)
    });
    let unpacked = unpacked
        .await
        .map_err(|_| ServiceError::internal("unpacking the body met a fault"))?;
    let bytes = unpacked.map_err(not_gzip)?;
    Ok(vec![Bytes::from_owner(Unpacked {
        bytes,
        _place: place,
    })])
}

/// What was unpacked. It has its place for as long as it is held.
struct Unpacked {
    bytes: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Unpacked {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Takes what is unpacked, up to the bound.
#[derive(Debug, Default)]
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > UPLOAD_MAX_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures_util::stream;

    use super::*;

    fn places() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    fn in_pieces(bytes: &[u8], size: usize) -> Vec<Result<Bytes, Infallible>> {
        let pieces = bytes.chunks(size).map(Bytes::copy_from_slice);
        pieces.map(Ok).collect()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn a_body_is_unpacked() {
        let text = b"hello ".repeat(100);
        let body = unpacked(stream::iter(in_pieces(&packed(&text), 7)), &places()).await;
        assert_eq!(body.unwrap().concat(), text);
    }

    #[tokio::test]
    async fn what_is_no_gzip_or_unpacks_to_too_much_is_refused() {
        let mut cut = packed(&b"hello".repeat(100));
        cut.truncate(cut.len() - 9);
        for wrong in [&b"hello"[..], &cut, b""] {
            let error = unpacked(stream::iter(in_pieces(wrong, 7)), &places()).await;
            assert_eq!(error.unwrap_err().kind, ErrorKind::Invalid, "{wrong:?}");
        }
        // A bomb: some 65 KB that become one byte more than is taken.
        let bomb = packed(&vec![0; UPLOAD_MAX_BYTES + 1]);
        let error = unpacked(stream::iter(in_pieces(&bomb, 1 << 16)), &places()).await;
        assert_eq!(error.unwrap_err().kind, ErrorKind::TooLarge);
        let whole = packed(&vec![0; UPLOAD_MAX_BYTES]);
        let body = unpacked(stream::iter(in_pieces(&whole, 1 << 16)), &places()).await;
        assert_eq!(body.unwrap().concat().len(), UPLOAD_MAX_BYTES);
    }
}
