//! The journal's records, for the fuzz target.

use super::record::{HEAD_BYTES_MAX, Head, PREFIX_BYTES, Prefix, encode};

/// Reads a record with a forged head; an accepted record must read back equal
/// after it is written.
///
/// # Errors
/// When it is not.
pub fn check_journal_record(bytes: &[u8]) -> Result<(), &'static str> {
    if let Some((prefix, head)) = bytes.split_first_chunk::<PREFIX_BYTES>() {
        let prefix = Prefix::decode(prefix);
        let _unforged = prefix.and_then(|prefix| prefix.head(head));
    }
    let Ok(head) = serde_json::from_slice::<Head>(bytes) else {
        return Ok(());
    };
    let Ok(written) = encode(&head, &[], &[]) else {
        return Ok(());
    };
    let again = written
        .split_first_chunk::<PREFIX_BYTES>()
        .filter(|(_, head)| head.len() <= HEAD_BYTES_MAX as usize)
        .and_then(|(prefix, head)| Prefix::decode(prefix)?.head(head));
    match again == Some(head) {
        true => Ok(()),
        false => Err("a record was read as another once it was written"),
    }
}
