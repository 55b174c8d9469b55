//! Pixels from a WebP file.

use super::shape::{Shape, examine};
use crate::answer::Answer;
use crate::guarding::guarded;
use crate::refusal::Refusal;
use crate::room::{Room, zeros};
use crate::source::{Notes, Source};
use image_webp::{DecodingError, WebPDecoder};
use serde::Deserialize;

/// What the decoder holds for each pixel: planes of lightness and colour, the frame,
/// the canvas, and the same of the alpha channel while that is decoded.
const BYTES_PER_PIXEL: u64 = 20;
/// What decoding a pixel costs.
const WORK_PER_PIXEL: u64 = 120;

/// Options of `webp.decode`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decoding {
    /// The first frame that is wanted; 0 of a still image.
    #[serde(default)]
    first: u64,
    /// How many frames are wanted.
    #[serde(default = "one")]
    count: u64,
}

fn one() -> u64 {
    1
}

/// The frames, each a whole canvas of three or four bytes a pixel, one after the
/// other, and how long each is shown.
pub(crate) fn decode(options: &Decoding, bytes: &[u8], room: &Room<'_>) -> Result<Answer, Refusal> {
    let shape = examine(bytes, room)?;
    let pixels = shape.width * shape.height;
    let frames = shape.frames.max(1);
    let end = options.first.saturating_add(options.count);
    if options.count == 0 || end > frames {
        return Err(Refusal::Options(format!(
            "frames {} to {end} of {frames} are wanted",
            options.first
        )));
    }
    room.admit_output(pixels.saturating_mul(3).saturating_mul(options.count))?;
    let held = pixels.saturating_mul(BYTES_PER_PIXEL.saturating_add(4 * options.count));
    room.admit_working(held.saturating_add(shape.tables_bytes))?;
    // A frame is drawn on those before it.
    let drawn = if shape.frames > 0 { end } else { 1 };
    room.charge(pixels.saturating_mul(drawn).saturating_mul(WORK_PER_PIXEL))?;
    guarded(room, || frames_of(options, &shape, bytes, room))
}

fn frames_of(
    options: &Decoding,
    shape: &Shape,
    bytes: &[u8],
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let notes = Notes::default();
    let damaged = |error: DecodingError| match error {
        _ if notes.is_cut_off() => Refusal::CutOff,
        DecodingError::UnsupportedFeature(what) => {
            Refusal::Unsupported(format!("this kind of WebP cannot be decoded: {what}"))
        }
        other => Refusal::Damaged(other.to_string()),
    };
    let source = Source::new(bytes, room, &notes);
    let mut decoder = WebPDecoder::new(source).map_err(&damaged)?;
    decoder.set_memory_limit(bytes.len());
    let (width, height) = decoder.dimensions();
    let agrees = (u64::from(width), u64::from(height)) == (shape.width, shape.height)
        && decoder.is_animated() == (shape.frames > 0);
    let size = decoder.output_buffer_size().map(|size| size as u64);
    let (true, Some(size)) = (agrees, size) else {
        return Err(Refusal::Damaged(
            "their sizes contradict each other".to_owned(),
        ));
    };
    room.admit_output(size.saturating_mul(options.count))?;
    let mut frame = zeros(size)?;
    let mut frames = Vec::new();
    let mut durations = Vec::new();
    if decoder.is_animated() {
        for number in 0..options.first.saturating_add(options.count) {
            room.look()?;
            let duration = decoder.read_frame(&mut frame).map_err(&damaged)?;
            if number >= options.first {
                durations.push(duration);
                frames.extend_from_slice(&frame);
            }
        }
    } else {
        decoder.read_image(&mut frame).map_err(&damaged)?;
        durations.push(0);
        frames = frame;
    }
    Ok(Answer {
        head: serde_json::json!({
            "width": width,
            "height": height,
            "has_alpha": decoder.has_alpha(),
            "durations_ms": durations,
        }),
        parts: vec![frames],
    })
}
