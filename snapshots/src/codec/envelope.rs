//! The header of every stored object and, except for chunks, its trailer.
//!
//! ```text
//!  0  8  magic "MEMEXSTO"
//!  8  2  format version
//! 10  1  what it is
//! 11  1  how its content is encoded (chunks; else 0)
//! 12  4  a length: of the record (snapshots), of the content
//! 16  …  content
//!  …  32 BLAKE3 of everything before (not in chunks, which their name checks)
//! ```

use crate::codec::{Cursor, Flaw};

/// The version that this build writes, and the only one it reads.
pub(crate) const VERSION: u16 = 1;
/// Bytes before the content.
pub(crate) const HEADER_BYTES: usize = 16;
/// Bytes after it.
pub(crate) const SEAL_BYTES: usize = 32;

const MAGIC: [u8; 8] = *b"MEMEXSTO";

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Content {
    Snapshot = 1,
    Chunk = 2,
    Link = 3,
    Pointer = 4,
    Lease = 5,
    Document = 6,
}

// Stored objects outlive builds: these values may gain members, never change.
const _: () = {
    assert!(VERSION == 1 && HEADER_BYTES == 16 && SEAL_BYTES == 32);
    assert!(Content::Snapshot as u8 == 1 && Content::Chunk as u8 == 2);
    assert!(Content::Link as u8 == 3 && Content::Pointer as u8 == 4 && Content::Lease as u8 == 5);
    assert!(Content::Document as u8 == 6);
};

/// An object's first 16 bytes.
pub(crate) struct Header {
    pub(crate) encoding: u8,
    pub(crate) length: usize,
}

/// The header, with room for `content_bytes` to follow.
pub(crate) fn open_object(
    content: Content,
    encoding: u8,
    length: usize,
    content_bytes: usize,
) -> Vec<u8> {
    let mut object = Vec::with_capacity(HEADER_BYTES + content_bytes + SEAL_BYTES);
    object.extend_from_slice(&MAGIC);
    object.extend_from_slice(&VERSION.to_le_bytes());
    object.push(content as u8);
    object.push(encoding);
    object.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    object
}

/// Puts the checksum at the end.
pub(crate) fn seal(mut object: Vec<u8>) -> Vec<u8> {
    let checksum = blake3::hash(&object);
    object.extend_from_slice(checksum.as_bytes());
    object
}

/// The header, and what follows it.
pub(crate) fn read_header(object: &[u8], content: Content) -> Result<(Header, &[u8]), Flaw> {
    let mut cursor = Cursor::new(object);
    if cursor.array()? != MAGIC {
        return Err(Flaw::What("it is not an object of a store"));
    }
    let version = cursor.u16()?;
    if version != VERSION {
        return Err(Flaw::Version {
            found: version,
            supported: VERSION,
        });
    }
    let [kind, encoding] = cursor.array()?;
    if kind != content as u8 {
        return Err(Flaw::What("it is another kind of object"));
    }
    let length =
        usize::try_from(cursor.u32()?).map_err(|_| Flaw::What("its length is out of range"))?;
    Ok((Header { encoding, length }, cursor.rest()))
}

/// The header and the content between it and the checksum, which must hold.
pub(crate) fn read_sealed(object: &[u8], content: Content) -> Result<(Header, &[u8]), Flaw> {
    let (header, _) = read_header(object, content)?;
    let (sealed, checksum) = object
        .split_last_chunk::<SEAL_BYTES>()
        .ok_or(Flaw::What("it ends too early"))?;
    if blake3::hash(sealed) != *checksum {
        return Err(Flaw::What("its checksum does not match"));
    }
    if header.encoding != 0 {
        return Err(Flaw::What("its encoding is unknown"));
    }
    let body = sealed
        .get(HEADER_BYTES..)
        .ok_or(Flaw::What("it ends too early"))?;
    Ok((header, body))
}

/// The content of an object that is nothing else.
pub(crate) fn read_whole(object: &[u8], content: Content) -> Result<&[u8], Flaw> {
    let (header, body) = read_sealed(object, content)?;
    if header.length != body.len() {
        return Err(Flaw::What("its length does not match"));
    }
    Ok(body)
}

/// An object that is nothing but `body`.
pub(crate) fn write_whole(content: Content, body: &[u8]) -> Vec<u8> {
    let mut object = open_object(content, 0, body.len(), body.len());
    object.extend_from_slice(body);
    seal(object)
}
