//! The part of scrypt (RFC 7914) that takes memory: ROMix over Salsa20/8.

use crate::refusal::Refusal;
use crate::room::Room;

/// Words of a Salsa20 block.
const WORDS: usize = 16;
/// Words of blocks that are mixed between two looks at the interrupt.
const LOOK_EVERY_WORDS: usize = 1 << 16;

/// Mixes one block of `2 r` Salsa20 blocks, with a table of `cost` such blocks.
/// `cost` is a power of two.
pub(super) fn mix(block: &mut [u8], cost: usize, room: &Room<'_>) -> Result<(), Refusal> {
    let mut words: Vec<u32> = block
        .chunks_exact(4)
        .filter_map(|bytes| bytes.try_into().ok().map(u32::from_le_bytes))
        .collect();
    let size = words.len();
    let mut scratch = vec![0; size];
    let mut table: Vec<u32> = Vec::new();
    let bytes = (size as u64).saturating_mul(cost as u64).saturating_mul(4);
    let refused = |_| Refusal::WorkingBytes { bytes, limit: 0 };
    table
        .try_reserve_exact(size.saturating_mul(cost))
        .map_err(refused)?;
    let mut unlooked = 0;
    let mut pass = || {
        unlooked += size;
        if unlooked < LOOK_EVERY_WORDS {
            return Ok(());
        }
        unlooked = 0;
        room.look()
    };
    for _ in 0..cost {
        pass()?;
        table.extend_from_slice(&words);
        mix_block(&mut words, &mut scratch);
    }
    for _ in 0..cost {
        pass()?;
        // The last Salsa20 block's first word; the cost is a power of two.
        let word = words.get(size.wrapping_sub(WORDS)).copied().unwrap_or(0);
        let row = word as usize & (cost - 1);
        let row = table.get(row * size..(row + 1) * size).unwrap_or_default();
        for (word, other) in words.iter_mut().zip(row) {
            *word ^= other;
        }
        mix_block(&mut words, &mut scratch);
    }
    for (bytes, word) in block.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    Ok(())
}

/// BlockMix: each Salsa20 block with the one before it; even ones first, then odd.
fn mix_block(words: &mut [u32], scratch: &mut [u32]) {
    let mut state = [0; WORDS];
    let last = words.rchunks_exact(WORDS).next().unwrap_or_default();
    for (word, other) in state.iter_mut().zip(last) {
        *word = *other;
    }
    let half = words.len() / 2;
    let (evens, odds) = scratch.split_at_mut(half);
    let outs = evens
        .chunks_exact_mut(WORDS)
        .zip(odds.chunks_exact_mut(WORDS));
    for (pair, (even, odd)) in words.chunks_exact(2 * WORDS).zip(outs) {
        for (block, out) in pair.chunks_exact(WORDS).zip([even, odd]) {
            for (word, other) in state.iter_mut().zip(block) {
                *word ^= other;
            }
            salsa20_8(&mut state);
            out.copy_from_slice(&state);
        }
    }
    words.copy_from_slice(scratch);
}

/// The Salsa20 core with eight rounds.
fn salsa20_8(state: &mut [u32; WORDS]) {
    let start = *state;
    for _ in 0..4 {
        for [a, b, c, d] in [
            [0, 4, 8, 12],
            [5, 9, 13, 1],
            [10, 14, 2, 6],
            [15, 3, 7, 11],
            [0, 1, 2, 3],
            [5, 6, 7, 4],
            [10, 11, 8, 9],
            [15, 12, 13, 14],
        ] {
            quarter(state, a, b, c, d);
        }
    }
    for (word, first) in state.iter_mut().zip(start) {
        *word = word.wrapping_add(first);
    }
}

// Constants after inlining: no index is checked at run time.
#[inline(always)]
#[allow(clippy::indexing_slicing)]
fn quarter(x: &mut [u32; WORDS], a: usize, b: usize, c: usize, d: usize) {
    x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
    x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
    x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
    x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7914, section 8.
    #[test]
    fn the_core_is_that_of_the_rfc() {
        let bytes = |text: &str| -> Vec<u8> {
            let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
            let byte = |pair: &[u8]| {
                let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
                value(pair[0]) << 4 | value(pair[1])
            };
            digits.chunks(2).map(byte).collect()
        };
        let input = bytes(
            "7e879a21 4f3ec986 7ca940e6 41718f26 baee555b 8c61c1b5 0df84611 6dcd3b1d
             ee24f319 df9b3d85 14121e4b 5ac5aa32 76021d29 09c74829 edebc68d b8b8c25e",
        );
        let output = bytes(
            "a41f859c 6608cc99 3b81cacb 020cef05 044b2181 a2fd337d fd7b1c63 96682f29
             b4393168 e3c9e6bc fe6bc5b7 a06d96ba e424cc10 2c91745c 24ad673d c7618f81",
        );
        let words = |bytes: &[u8]| -> Vec<u32> {
            let word = |four: &[u8]| u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            bytes.chunks(4).map(word).collect()
        };
        let mut state = [0; WORDS];
        state.copy_from_slice(&words(&input));
        salsa20_8(&mut state);
        assert_eq!(state.to_vec(), words(&output));
    }
}
