//! How stored objects are encoded. Reading trusts no byte.

mod chunk;
mod cursor;
mod document;
mod envelope;
mod lease;
mod link;
mod pointer;
mod snapshot;

pub(crate) use chunk::{CHUNK_OBJECT_BYTES_MAX, decode_chunk, encode_chunk, encode_chunk_at};
pub(crate) use cursor::{Cursor, Flaw, Sink};
pub(crate) use document::{
    DOCUMENT_BYTES_MAX, DOCUMENT_ZSTD_LEVEL, decode_document, encode_document,
};
pub(crate) use lease::Lease;
pub(crate) use link::{LINK_OBJECT_BYTES_MAX, decode_link, encode_link};
pub(crate) use pointer::{POINTER_OBJECT_BYTES_MAX, decode_pointer, encode_pointer};
pub(crate) use snapshot::{SNAPSHOT_OBJECT_BYTES_MAX, decode_snapshot, encode_snapshot};
