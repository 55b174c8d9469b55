//! The head of a snapshot for a session that goes its own way.

use super::decode::info;
use super::format::{CHECKSUM_BYTES, FLAG_GENERATORS, MAGIC};
use crate::error::Error;

/// The head of the same state without the state of its random generators: every
/// session that starts from it draws numbers of its own. Chunks stay as they
/// are.
///
/// # Errors
/// When the bytes are no head, or are damaged.
pub fn without_generators(head: &[u8]) -> Result<Vec<u8>, Error> {
    info(head)?;
    let cut_off = || Error::Snapshot("it is cut off".into());
    let length = head.len().checked_sub(CHECKSUM_BYTES).ok_or_else(cut_off)?;
    let mut fresh = head.get(..length).ok_or_else(cut_off)?.to_vec();
    // Behind the magic bytes and the version.
    let at = MAGIC.len() + 4;
    let flags = fresh.get_mut(at..at + 4).ok_or_else(cut_off)?;
    let flags: &mut [u8; 4] = flags.try_into().map_err(|_| cut_off())?;
    *flags = (u32::from_le_bytes(*flags) & !FLAG_GENERATORS).to_le_bytes();
    let checksum = blake3::hash(&fresh);
    fresh.extend_from_slice(checksum.as_bytes());
    Ok(fresh)
}
