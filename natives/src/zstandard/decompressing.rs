//! What a frame holds.

use super::parts::{CONTEXT_BYTES, PIECE_BYTES, WINDOW_LOG_MAX, split};
use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::sink::Sink;
use serde::Deserialize;
use std::io;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// What a byte costs that comes out.
const WORK_PER_BYTE: u64 = 8;

/// Options of `zstd.decompress`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decompressing {
    /// Bytes of the content that are left out at its beginning.
    #[serde(default)]
    skip: u64,
    /// Most bytes that are returned. Without it, all; a content that is larger than
    /// the room permits is refused then.
    most: Option<u64>,
}

/// A part of the first frame's content, whether it is the last, and how many bytes the
/// frame has if it is.
pub(crate) fn decompress(
    options: &Decompressing,
    parts: &[&[u8]],
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let (data, dictionary) = split(parts)?;
    let most = options.most.unwrap_or(u64::MAX).min(room.bytes_max());
    // The window, and the output, which grows by doubling.
    let written = most.saturating_mul(2);
    let window = (1_u64 << WINDOW_LOG_MAX).min(window_bytes(data));
    room.admit_working(window + CONTEXT_BYTES + dictionary.len() as u64)?;
    let damaged = |error: io::Error| Refusal::Damaged(error.to_string());
    let mut decoder = match dictionary {
        [] => Decoder::new(),
        dictionary => Decoder::with_dictionary(dictionary),
    }
    .map_err(damaged)?;
    decoder
        .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
        .map_err(damaged)?;
    let mut sink = Sink::new(room);
    let mut input = InBuffer::around(data);
    let mut out = vec![0; PIECE_BYTES];
    let (mut skipped, mut returned) = (0_u64, 0_u64);
    loop {
        room.look()?;
        let before = input.pos();
        let mut output = OutBuffer::around(out.as_mut_slice());
        let left = decoder.run(&mut input, &mut output).map_err(damaged)?;
        let piece = output.as_slice();
        room.charge((piece.len() as u64).saturating_mul(WORK_PER_BYTE))?;
        let skip = usize::try_from(options.skip - skipped).unwrap_or(usize::MAX);
        let skip = skip.min(piece.len());
        skipped += skip as u64;
        let wanted = piece.get(skip..).unwrap_or_default();
        let room_left = usize::try_from(most - returned).unwrap_or(usize::MAX);
        let taken = wanted.get(..wanted.len().min(room_left)).unwrap_or(wanted);
        returned += taken.len() as u64;
        room.admit_working(window + CONTEXT_BYTES + written.min(2 * returned.next_power_of_two()))?;
        sink.push(taken)?;
        let is_more = taken.len() < wanted.len();
        if is_more && options.most.is_none() {
            room.admit_output(returned.saturating_add(1))?;
        }
        if is_more || left == 0 {
            return Ok(Answer {
                head: serde_json::json!({
                    "is_done": !is_more,
                    "consumed": input.pos(),
                }),
                parts: vec![sink.finish()?],
            });
        }
        // No progress with input at its end: the frame is cut off.
        if piece.is_empty() && input.pos() == before {
            return Err(Refusal::CutOff);
        }
    }
}

/// The window that the header of a frame asks for; all that may be asked for where it
/// cannot be read, which the decoder will say.
fn window_bytes(data: &[u8]) -> u64 {
    let (Some(&descriptor), Some(&window)) = (data.get(4), data.get(5)) else {
        return 0;
    };
    if descriptor & 0x20 == 0 {
        let base = 1_u64
            .checked_shl(10 + u32::from(window >> 3))
            .unwrap_or(u64::MAX);
        return base.saturating_add(base / 8 * u64::from(window & 7));
    }
    // A single segment: the window is the content, whose size follows the name of the
    // dictionary.
    let name = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size_bytes = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let Some(bytes) = data.get(5 + name..5 + name + size_bytes) else {
        return 0;
    };
    let mut size = [0; 8];
    for (to, from) in size.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_le_bytes(size)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_window_is_what_the_header_says() {
        let header = |bytes: &[u8]| window_bytes(&[&[0x28, 0xb5, 0x2f, 0xfd], bytes].concat());
        // No single segment: exponent and mantissa.
        assert_eq!(header(&[0, 0]), 1 << 10);
        assert_eq!(header(&[0, 10 << 3 | 4]), (1 << 20) + (1 << 19));
        assert_eq!(header(&[0, 0xff]), (1 << 41) + 7 * (1 << 38));
        // A single segment: the size of the content.
        assert_eq!(header(&[0x20, 200]), 200);
        assert_eq!(header(&[0xe0, 0, 0, 0, 0, 1, 0, 0, 0]), 1 << 32);
        assert_eq!(header(&[0xe1, 9, 1, 0, 0, 0, 0, 0, 0, 0]), 1);
        assert_eq!(header(&[0x20]), 0);
    }
}
