//! A WebP file from pixels, without loss.

use crate::answer::Answer;
use crate::guarding::guarded;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::sink::Sink;
use image_webp::{ColorType, EncodingError, WebPEncoder};
use serde::Deserialize;

/// What the encoder holds for each pixel: four bytes, and what it writes, which is
/// collected twice and grows by doubling.
const BYTES_PER_PIXEL: u64 = 24;
/// What encoding a pixel costs.
const WORK_PER_PIXEL: u64 = 120;
/// The largest image that is encoded: the encoder does not stop in the middle.
const PIXELS_MAX: u64 = 16 << 20;

/// Options of `webp.encode`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Encoding {
    width: u32,
    height: u32,
    has_alpha: bool,
}

/// The file.
pub(crate) fn encode(
    options: &Encoding,
    pixels: &[u8],
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let (width, height) = (u64::from(options.width), u64::from(options.height));
    let channels = if options.has_alpha { 4 } else { 3 };
    let count = width.saturating_mul(height);
    if count.saturating_mul(channels) != pixels.len() as u64 || pixels.is_empty() {
        return Err(Refusal::Options(format!(
            "{} bytes are no image of {width} × {height} pixels of {channels} bytes",
            pixels.len()
        )));
    }
    if count > PIXELS_MAX {
        return Err(Refusal::Options(format!(
            "an image of {count} pixels is too large to be written as WebP\n  hint: at most {PIXELS_MAX} pixels are; write it as PNG or JPEG"
        )));
    }
    room.admit_working(count * BYTES_PER_PIXEL)?;
    room.charge(count * WORK_PER_PIXEL)?;
    guarded(room, || {
        let color = match options.has_alpha {
            true => ColorType::Rgba8,
            false => ColorType::Rgb8,
        };
        let mut sink = Sink::new(room);
        let encoder = WebPEncoder::new(&mut sink);
        let result = encoder.encode(pixels, options.width, options.height, color);
        let file = sink.finish()?;
        result.map_err(|error| match error {
            EncodingError::InvalidDimensions => {
                Refusal::Options("a WebP image has at most 16,384 pixels a side".to_owned())
            }
            other => Refusal::Options(other.to_string()),
        })?;
        Ok(Answer::of(file))
    })
}
