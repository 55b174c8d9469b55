//! Chunks: compressed where that helps, checked by their name.

use crate::codec::Flaw;
use crate::codec::envelope::{Content, HEADER_BYTES, open_object, read_header};
use crate::{CHUNK_BYTES_MAX, Digest};

/// The longest stored chunk. One that does not shrink is stored as it is.
pub(crate) const CHUNK_OBJECT_BYTES_MAX: usize = HEADER_BYTES + CHUNK_BYTES_MAX;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const ZSTD_LEVEL: i32 = 1;

pub(crate) fn encode_chunk(bytes: &[u8]) -> Vec<u8> {
    encode_chunk_at(bytes, ZSTD_LEVEL)
}

/// The chunk's object, packed at a level of compression.
pub(crate) fn encode_chunk_at(bytes: &[u8], level: i32) -> Vec<u8> {
    let packed = zstd::bulk::compress(bytes, level)
        .ok()
        .filter(|packed| packed.len() < bytes.len());
    let (encoding, content) = match &packed {
        Some(packed) => (ZSTD, packed.as_slice()),
        None => (PLAIN, bytes),
    };
    let mut object = open_object(Content::Chunk, encoding, bytes.len(), content.len());
    object.extend_from_slice(content);
    object.shrink_to_fit();
    object
}

/// The chunk that `digest` names, and nothing else. No more than the length
/// limit is ever unpacked, whatever the object claims.
pub(crate) fn decode_chunk(object: &[u8], digest: &Digest) -> Result<Vec<u8>, Flaw> {
    let (header, content) = read_header(object, Content::Chunk)?;
    if header.length > CHUNK_BYTES_MAX {
        return Err(Flaw::What("it claims to be over the size limit"));
    }
    let bytes = match header.encoding {
        PLAIN => content.get(..CHUNK_BYTES_MAX).unwrap_or(content).to_vec(),
        ZSTD => zstd::bulk::decompress(content, header.length)
            .map_err(|_| Flaw::What("it cannot be unpacked"))?,
        _ => return Err(Flaw::What("its encoding is unknown")),
    };
    if bytes.len() != header.length {
        return Err(Flaw::What("its length does not match"));
    }
    if Digest::of(&bytes) != *digest {
        return Err(Flaw::What("its content is not what its name says"));
    }
    Ok(bytes)
}
