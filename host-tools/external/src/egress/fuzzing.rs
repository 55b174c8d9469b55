//! What a peer answers, for the fuzz targets.

use super::decoding::{BodyReader, Encoding};
use super::secrets::Secret;
use memex_scrubbing::{REPLACEMENT, Scrubber};

/// Reads a body that comes in pieces; at most `max_bytes` come out of it.
///
/// # Errors
/// Says why it cannot be read.
pub fn http_body(
    is_brotli: bool,
    pieces: std::slice::Chunks<'_, u8>,
    max_bytes: usize,
) -> Result<Vec<u8>, String> {
    let encoding = match is_brotli {
        true => Encoding::Brotli,
        false => Encoding::Gzip,
    };
    let mut reader = BodyReader::new(encoding, max_bytes);
    for piece in pieces {
        reader.push(piece).map_err(|fault| format!("{fault:?}"))?;
    }
    reader.finish().map_err(|fault| format!("{fault:?}"))
}

/// Takes secrets out of texts.
#[derive(Debug)]
pub struct Scrubbed(Scrubber);

impl Scrubbed {
    /// Of these secrets.
    #[must_use]
    pub fn new(secrets: &[Secret]) -> Self {
        let labelled = secrets
            .iter()
            .map(|secret| (REPLACEMENT.to_owned(), secret.parts()));
        Self(Scrubber::new(labelled))
    }

    /// The bytes without them, and whether none is left.
    #[must_use]
    pub fn clean(&self, bytes: Vec<u8>) -> (Vec<u8>, bool) {
        let cleaned = self.0.clean(bytes);
        let is_clean = !self.0.finds_in(&cleaned);
        (cleaned, is_clean)
    }
}
