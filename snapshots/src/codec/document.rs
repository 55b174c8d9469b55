//! Documents of images: sealed bytes.

use crate::codec::Flaw;
use crate::codec::envelope::{Content, read_whole, write_whole};

/// The longest document.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 8 << 20;
/// How pieces of images are compressed: they are written once and read often.
pub(crate) const DOCUMENT_ZSTD_LEVEL: i32 = 3;

/// The object of a document, unless it is too long.
pub(crate) fn encode_document(bytes: &[u8]) -> Option<Vec<u8>> {
    (bytes.len() <= DOCUMENT_BYTES_MAX).then(|| write_whole(Content::Document, bytes))
}

pub(crate) fn decode_document(object: &[u8]) -> Result<Vec<u8>, Flaw> {
    read_whole(object, Content::Document).map(<[u8]>::to_vec)
}
