//! Compressing and unpacking, with what a thread keeps for it.
//!
//! A state has a dozen parts. A compressor of its own for each would ask the processor each
//! time what it can, which takes microseconds where a hypervisor answers, and would map and
//! clear its tables anew.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// One zstd frame of these bytes, of level 1.
pub(super) fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(bytes)
    })
}

/// What a frame holds, of at most so many bytes.
pub(super) fn unpacked(frame: &[u8], most: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new()?),
        };
        decompressor.decompress(frame, most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_keeps_changes_no_frame() {
        let mut seed = 7_u32;
        for length in [0, 1, 63, 4_096, 70_000, 5] {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 28) as u8
                })
                .collect();
            let frame = packed(&bytes).unwrap();
            assert_eq!(frame, zstd::bulk::compress(&bytes, LEVEL).unwrap());
            assert_eq!(unpacked(&frame, length).unwrap(), bytes);
            if length > 0 {
                assert!(unpacked(&frame, length - 1).is_err());
            }
            // After a frame that is none, the next one is read as before.
            assert!(unpacked(b"no frame", 100).is_err());
        }
    }
}
