//! One change as bytes.
//!
//! ```text
//!  0  4  magic
//!  4  4  CRC-32 of everything after it
//!  8  4  length of the value
//! 12  2  length of the key
//! 14  1  1 put, 2 remove
//! 15  1  0
//! 16  8  when, in milliseconds since 1970
//! 24  8  up to where the journal was known to be on the disk when this was written
//! 32  …  key, value
//! ```
//! All numbers are little-endian.

use crate::change::{Change, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::place::Place;

/// Bytes before the key.
pub(crate) const HEADER_BYTES: usize = 32;
/// What each record begins with.
pub(crate) const MAGIC: [u8; 4] = *b"mxjr";

const PUT: u8 = 1;
const REMOVE: u8 = 2;

// Files outlive builds: none of this changes without a new version of the files.
const _: () = {
    assert!(HEADER_BYTES == 32 && PUT == 1 && REMOVE == 2);
    assert!(KEY_BYTES_MAX <= u16::MAX as usize && VALUE_BYTES_MAX <= u32::MAX as usize);
};

/// A record that was read, and holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) key: &'a [u8],
    /// None where the key was removed.
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) time_unix_ms: u64,
    pub(crate) settled: Place,
    /// Bytes of the whole record.
    pub(crate) bytes: usize,
}

/// Bytes of a record.
pub(crate) fn record_bytes(key: usize, value: usize) -> usize {
    HEADER_BYTES.saturating_add(key).saturating_add(value)
}

/// Writes a change behind what is there. Its lengths are within their bounds.
pub(crate) fn encode(change: &Change<'_>, time_unix_ms: u64, settled: Place, into: &mut Vec<u8>) {
    let value = change.value.unwrap_or_default();
    let kind = if change.value.is_some() { PUT } else { REMOVE };
    let begins = into.len();
    into.extend_from_slice(&MAGIC);
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    let key_bytes = u16::try_from(change.key.len()).unwrap_or(u16::MAX);
    into.extend_from_slice(&key_bytes.to_le_bytes());
    into.extend_from_slice(&[kind, 0]);
    into.extend_from_slice(&time_unix_ms.to_le_bytes());
    into.extend_from_slice(&settled.number().to_le_bytes());
    into.extend_from_slice(change.key);
    into.extend_from_slice(value);
    let checked = into.get(begins.saturating_add(8)..).unwrap_or_default();
    let checksum = crc32fast::hash(checked).to_le_bytes();
    let place = begins.saturating_add(4)..begins.saturating_add(8);
    if let Some(place) = into.get_mut(place) {
        place.copy_from_slice(&checksum);
    }
}

/// How many bytes the record has that begins so, by its own word; none where it cannot be
/// one. The header may be followed by less than that.
pub(crate) fn stated_bytes(bytes: &[u8]) -> Option<usize> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    let [
        a,
        b,
        c,
        d,
        _,
        _,
        _,
        _,
        v0,
        v1,
        v2,
        v3,
        k0,
        k1,
        kind,
        zero,
        ..,
    ] = *header;
    let value = usize::try_from(u32::from_le_bytes([v0, v1, v2, v3])).ok()?;
    let key = usize::from(u16::from_le_bytes([k0, k1]));
    let is_one = [a, b, c, d] == MAGIC
        && zero == 0
        && key <= KEY_BYTES_MAX
        && value <= VALUE_BYTES_MAX
        && (kind == PUT || (kind == REMOVE && value == 0));
    is_one.then(|| record_bytes(key, value))
}

/// The record that `bytes` begin with; none where there is no whole one that holds.
pub(crate) fn decode(bytes: &[u8]) -> Option<Record<'_>> {
    let length = stated_bytes(bytes)?;
    let record = bytes.get(..length)?;
    let (header, rest) = record.split_first_chunk::<HEADER_BYTES>()?;
    let [
        _,
        _,
        _,
        _,
        c0,
        c1,
        c2,
        c3,
        _,
        _,
        _,
        _,
        k0,
        k1,
        kind,
        _,
        t0,
        t1,
        t2,
        t3,
        t4,
        t5,
        t6,
        t7,
        s0,
        s1,
        s2,
        s3,
        s4,
        s5,
        s6,
        s7,
    ] = *header;
    if crc32fast::hash(record.get(8..)?) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return None;
    }
    let (key, value) = rest.split_at_checked(usize::from(u16::from_le_bytes([k0, k1])))?;
    let settled = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
    Some(Record {
        key,
        value: (kind == PUT).then_some(value),
        time_unix_ms: u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
        settled: Place::from_number(settled),
        bytes: length,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_no_other_bytes_are_one() {
        let mut bytes = Vec::new();
        encode(
            &Change::put(b"key", b"value"),
            7,
            Place::new(1, 2),
            &mut bytes,
        );
        let first = bytes.len();
        encode(&Change::remove(b"key"), 8, Place::new(3, 4), &mut bytes);
        let read = decode(&bytes).unwrap();
        assert_eq!((read.key, read.value), (&b"key"[..], Some(&b"value"[..])));
        assert_eq!((read.time_unix_ms, read.bytes), (7, first));
        assert_eq!(read.settled, Place::new(1, 2));
        let next = decode(&bytes[first..]).unwrap();
        assert_eq!((next.key, next.value), (&b"key"[..], None));
        for at in 0..first {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(decode(&other), None, "byte {at}");
            assert_eq!(decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
