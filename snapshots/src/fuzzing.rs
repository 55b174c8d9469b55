//! Decoders of stored objects, for the fuzz targets.

use crate::codec::{
    Lease, decode_chunk, decode_link, decode_pointer, decode_snapshot, encode_link, encode_pointer,
};
use crate::{Digest, SnapshotId};

/// Appends the right checksum, as an attacker would.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut object = body.to_vec();
    object.extend_from_slice(blake3::hash(body).as_bytes());
    object
}

/// Reads the object whose bytes before its checksum are `body` as each kind of
/// object there is. What is accepted has to be encoded again to the same bytes.
///
/// # Errors
/// Names the kind of object for which that is not so.
pub fn check_object(body: &[u8]) -> Result<(), &'static str> {
    let object = sealed(body);
    if Lease::decode(&object).is_ok_and(|lease| lease.encode() != object) {
        return Err("lease");
    }
    let from = SnapshotId::from_bytes([0; 32]);
    if decode_link(&object, &from).is_ok_and(|to| encode_link(&from, &to) != object) {
        return Err("link");
    }
    if decode_pointer(&object, "s").is_ok_and(|head| encode_pointer(&head) != object) {
        return Err("pointer");
    }
    // A snapshot and a chunk are named by their content.
    let _named = decode_snapshot(&object, &from);
    let _named = decode_chunk(body, &Digest::of(&[]));
    Ok(())
}
