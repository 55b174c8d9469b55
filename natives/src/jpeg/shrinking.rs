//! A smaller image: each pixel the mean of a square of them.

use crate::refusal::Refusal;
use crate::room::{Room, zeros};

/// Pixels of an image of `width` × `height`, of `channels` bytes each, `scale` times
/// as small in both directions. What does not fill a square at the right and at the
/// bottom becomes a pixel too.
pub(super) fn shrunk(
    pixels: &[u8],
    (width, height): (usize, usize),
    channels: usize,
    scale: usize,
    room: &Room<'_>,
) -> Result<Vec<u8>, Refusal> {
    let (columns, rows) = (width.div_ceil(scale), height.div_ceil(scale));
    let mut out = zeros((columns * rows * channels) as u64)?;
    let bands = pixels.chunks(width * channels * scale);
    let mut sums = vec![0_u32; columns * channels];
    for (band, out) in bands.zip(out.chunks_mut(columns * channels)) {
        room.look()?;
        sums.fill(0);
        let lines = band.chunks(width * channels);
        let line_count = lines.len();
        for line in lines {
            for (square, sum) in line.chunks(channels * scale).zip(sums.chunks_mut(channels)) {
                for pixel in square.chunks(channels) {
                    for (sum, byte) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(*byte);
                    }
                }
            }
        }
        let last = columns.saturating_sub(1);
        let outs = out.chunks_mut(channels).zip(sums.chunks(channels));
        for (column, (out, sums)) in outs.enumerate() {
            let wide = if column == last {
                width - last * scale
            } else {
                scale
            };
            let count = (wide * line_count).max(1) as u32;
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = ((sum + count / 2) / count) as u8;
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::room::Bounds;

    #[test]
    fn squares_become_their_means_and_edges_count_what_they_have() {
        let bounds = Bounds {
            bytes_max: 1 << 20,
            working_bytes_max: 1 << 20,
            work_max: None,
        };
        let room = Room::new(bounds, &|| false);
        let grey = [0, 10, 20, 30, 40, 50, 60, 70, 100];
        let small = shrunk(&grey, (3, 3), 1, 2, &room).unwrap();
        assert_eq!(small, [20, 35, 65, 100]);
        let colour = [1, 200, 3, 100];
        assert_eq!(shrunk(&colour, (2, 1), 2, 2, &room).unwrap(), [2, 150]);
        assert_eq!(shrunk(&grey, (3, 3), 1, 8, &room).unwrap(), [42]);
    }
}
