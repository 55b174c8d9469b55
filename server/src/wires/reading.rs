//! Files as bodies of answers: read piece by piece, as fast as the client takes them.

use std::io;

use axum::body::{Body, Bytes};
use futures_util::stream;

use crate::error::ServiceError;
use crate::names::Id;
use crate::service::Service;
use crate::tenants::Principal;

/// Bytes of a file that are held for one client.
const PIECE_BYTES: u64 = 1 << 20;

/// A file that is read for a client.
pub(crate) struct Reading {
    pub(crate) service: Service,
    pub(crate) who: Principal,
    pub(crate) id: Id,
    pub(crate) path: String,
    /// The first byte.
    pub(crate) from: u64,
    /// The byte after the last one; none to the end, wherever that is.
    pub(crate) until: Option<u64>,
}

impl Reading {
    /// The body. The first piece is there when this returns, so that a failure still
    /// has a status; a later one breaks the body off.
    ///
    /// # Errors
    /// The service's.
    pub(crate) async fn body(mut self) -> Result<Body, ServiceError> {
        let first = self.piece().await?;
        let pieces = stream::unfold(Some((self, Some(first))), |state| async move {
            let (mut reading, first) = state?;
            let piece = match first {
                Some(first) => Ok(first),
                None => reading.piece().await,
            };
            match piece {
                Ok(piece) if piece.is_empty() => match reading.is_whole() {
                    true => None,
                    false => Some((Err(io::ErrorKind::UnexpectedEof.into()), None)),
                },
                Ok(piece) => Some((Ok(piece), Some((reading, None)))),
                Err(error) => Some((Err(io::Error::other(error)), None)),
            }
        });
        Ok(Body::from_stream(pieces))
    }

    /// Leaves so many lines out, and what comes after `count` more of them.
    ///
    /// # Errors
    /// The service's.
    pub(crate) async fn only_lines(
        &mut self,
        skipped: usize,
        count: Option<usize>,
    ) -> Result<(), ServiceError> {
        let start = self.after_lines(skipped).await?;
        self.from = start;
        if let Some(count) = count {
            let until = self.after_lines(count).await?;
            (self.from, self.until) = (start, Some(until));
        }
        Ok(())
    }

    /// Where so many lines, from here on, end.
    async fn after_lines(&mut self, count: usize) -> Result<u64, ServiceError> {
        let mut lines = Lines(count);
        loop {
            let before = self.from;
            if count == 0 {
                return Ok(before);
            }
            let piece = self.piece().await?;
            match lines.end_in(&piece) {
                Some(at) => return Ok(before.saturating_add(at as u64)),
                None if piece.is_empty() => return Ok(before),
                None => {}
            }
        }
    }

    async fn piece(&mut self) -> Result<Bytes, ServiceError> {
        let left = match self.until {
            Some(until) => until.saturating_sub(self.from),
            None => PIECE_BYTES,
        };
        let count = usize::try_from(left.min(PIECE_BYTES)).unwrap_or(usize::MAX);
        if count == 0 {
            return Ok(Bytes::new());
        }
        let read = self
            .service
            .read_file(&self.who, &self.id, &self.path, self.from, count);
        let mut bytes = read.await?;
        bytes.truncate(count);
        self.from = self.from.saturating_add(bytes.len() as u64);
        Ok(Bytes::from(bytes))
    }

    /// Whether all that was promised has been read: the file may have become shorter.
    fn is_whole(&self) -> bool {
        self.until.is_none_or(|until| self.from >= until)
    }
}

/// Lines that are still to be passed.
struct Lines(usize);

impl Lines {
    /// The byte of the next piece after their last end, if it is in it.
    fn end_in(&mut self, piece: &[u8]) -> Option<usize> {
        let ends = piece
            .iter()
            .zip(1_usize..)
            .filter(|(byte, _)| **byte == b'\n');
        for (_, after) in ends {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 {
                return Some(after);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_passed_in_whatever_pieces_they_come() {
        for (pieces, count, expected) in [
            (&["a\nb\nc"][..], 1, Some((0, 2))),
            (&["a\nb\nc"], 2, Some((0, 4))),
            (&["a\nb\nc"], 3, None),
            (&["a", "\nb", "\nc"], 2, Some((2, 1))),
            (&["\n\n\n"], 3, Some((0, 3))),
            (&["", "\n"], 1, Some((1, 1))),
            (&["\n"], usize::MAX, None),
        ] {
            let mut lines = Lines(count);
            let found = (0..)
                .zip(pieces)
                .find_map(|(at, piece)| Some((at, lines.end_in(piece.as_bytes())?)));
            assert_eq!(found, expected, "{pieces:?} {count}");
        }
    }
}
