//! What both ways have in common.

use crate::refusal::Refusal;

/// Bytes of input or output between two looks at the interrupt.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// The widest window, as a power of two: 128 MiB, which is also what the command
/// `zstd` reads unless it is told otherwise.
pub(super) const WINDOW_LOG_MAX: u32 = 27;
/// What a context holds besides its window.
pub(super) const CONTEXT_BYTES: u64 = 1 << 20;

/// The data and the dictionary, which may be missing.
pub(super) fn split<'a>(parts: &[&'a [u8]]) -> Result<(&'a [u8], &'a [u8]), Refusal> {
    match parts {
        [data] => Ok((data, &[])),
        [data, dictionary] => Ok((data, dictionary)),
        _ => Err(Refusal::Request(format!(
            "{} parts, not 1 or 2",
            parts.len()
        ))),
    }
}
