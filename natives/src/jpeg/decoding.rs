//! Pixels from a JPEG file.

use super::layout::Layout;
use super::shrinking::shrunk;
use crate::answer::Answer;
use crate::guarding::guarded;
use crate::refusal::Refusal;
use crate::room::{Room, zeros};
use crate::source::{Notes, Source};
use serde::Deserialize;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Most scans of a progressive image. Each goes over the whole image, whatever
/// little it says; encoders make ten.
const SCANS_MAX: usize = 256;
/// The widest block of a coded image: 8 pixels, subsampled 4 times.
const BLOCK_PIXELS: u64 = 32;
/// What decoding a byte of an image costs.
const WORK_PER_BYTE: u64 = 40;
/// What the decoder holds of a row of blocks, for each pixel of its width.
const ROW_BYTES: u64 = 512;

/// Options of `jpeg.decode`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decoding {
    layout: Layout,
    /// 1, 2, 4 or 8: how many times as small the image is to be.
    #[serde(default = "one")]
    scale: u8,
}

fn one() -> u8 {
    1
}

/// What the headers say.
struct Headers {
    width: u64,
    height: u64,
    components: u64,
    colours: ColorSpace,
    /// Whether coefficients of the whole image are held until its end.
    is_gathered: bool,
}

/// The pixels, and whether the file ended too early for all of them.
pub(crate) fn decode(options: &Decoding, bytes: &[u8], room: &Room<'_>) -> Result<Answer, Refusal> {
    if !matches!(options.scale, 1 | 2 | 4 | 8) {
        return Err(Refusal::Options("scale is 1, 2, 4 or 8".to_owned()));
    }
    guarded(room, || {
        let headers = headers(bytes, room)?;
        let colours = colours(&headers, options.layout)?;
        let (channels, scale) = (options.layout.channels(), u64::from(options.scale));
        let whole = headers.width * headers.height * channels;
        let shrunken = headers.width.div_ceil(scale) * headers.height.div_ceil(scale) * channels;
        room.admit_output(shrunken)?;
        let pixels = if scale > 1 { whole + shrunken } else { whole };
        room.admit_working(headers.working_bytes(pixels))?;
        room.charge(headers.width * headers.height * headers.components * WORK_PER_BYTE)?;

        let notes = Notes::default();
        let source = Source::new(bytes, room, &notes);
        let wanted = decoder_options().jpeg_set_out_colorspace(colours);
        let mut decoder = JpegDecoder::new_with_options(source, wanted);
        let mut pixels = zeros(whole)?;
        decoder.decode_into(&mut pixels).map_err(damaged)?;
        drop(decoder);
        room.look()?;
        if headers.colours == ColorSpace::YCCK {
            inks_of_ycck(&mut pixels);
        }
        if scale > 1 {
            // Both fit into 16 bits.
            let size = (headers.width as usize, headers.height as usize);
            pixels = shrunk(&pixels, size, channels as usize, scale as usize, room)?;
        }
        Ok(Answer {
            head: serde_json::json!({
                "width": headers.width,
                "height": headers.height,
                // The decoder also looks for more behind the end.
                "cut_off": notes.is_cut_off() && !has_end(bytes),
            }),
            parts: vec![pixels],
        })
    })
}

impl Headers {
    /// A bound of what the decoder holds, and `pixels` besides.
    fn working_bytes(&self, pixels: u64) -> u64 {
        let padded = |length: u64| length.next_multiple_of(BLOCK_PIXELS);
        let rows = padded(self.width) * self.components * ROW_BYTES;
        let coefficients = match self.is_gathered {
            true => padded(self.width) * padded(self.height) * self.components * 2,
            false => 0,
        };
        pixels + rows + coefficients
    }
}

fn decoder_options() -> DecoderOptions {
    // What is odd is decoded as far as it goes, as other programs do.
    DecoderOptions::new_safe()
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(SCANS_MAX)
}

fn headers(bytes: &[u8], room: &Room<'_>) -> Result<Headers, Refusal> {
    let notes = Notes::default();
    let source = Source::new(bytes, room, &notes);
    let mut decoder = JpegDecoder::new_with_options(source, decoder_options());
    decoder.decode_headers().map_err(|error| {
        if notes.is_cut_off() {
            return Refusal::CutOff;
        }
        damaged(error)
    })?;
    let (Some(info), Some(colours)) = (decoder.info(), decoder.input_colorspace()) else {
        return Err(Refusal::Damaged("there is no image in them".to_owned()));
    };
    let components = usize::from(info.components);
    let is_whole_scan = first_scan(bytes).is_some_and(|(count, _)| count == components);
    Ok(Headers {
        width: u64::from(info.width),
        height: u64::from(info.height),
        components: u64::from(info.components),
        // The marker of Adobe's says `no transform` in the same way for both.
        colours: match (colours, components) {
            (ColorSpace::CMYK, 3) => ColorSpace::RGB,
            (colours, _) => colours,
        },
        is_gathered: !is_whole_scan || info.sof.is_progressive(),
    })
}

/// Of the first scan of a file: how many components it has, and where its data begin.
/// `None` where the segments before it do not follow one another: the decoder may read
/// such a file in another way.
fn first_scan(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 2;
    loop {
        let [0xff, marker, high, low] = *bytes.get(at..at + 4)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let end = at.checked_add(2 + length)?;
        if marker == 0xda {
            return Some((usize::from(*bytes.get(at + 4)?), end));
        }
        if length < 2 || end > bytes.len() {
            return None;
        }
        at = end;
    }
}

/// Whether a mark of the end follows the beginning of the first scan. It does not occur
/// in coded data.
fn has_end(bytes: &[u8]) -> bool {
    let start = first_scan(bytes).map_or(0, |(_, start)| start);
    let rest = bytes.get(start..).unwrap_or_default();
    rest.windows(2).any(|pair| pair == [0xff, 0xd9])
}

/// What the decoder is asked for so that the pixels are laid out as wanted.
fn colours(headers: &Headers, layout: Layout) -> Result<ColorSpace, Refusal> {
    match (layout, headers.components, headers.colours) {
        (Layout::L, 1 | 3, ColorSpace::Luma | ColorSpace::YCbCr) => Ok(ColorSpace::Luma),
        (Layout::Rgb, 3, _) => Ok(ColorSpace::RGB),
        (Layout::YCbCr, 3, ColorSpace::YCbCr) => Ok(ColorSpace::YCbCr),
        (Layout::Cmyk, 4, ColorSpace::CMYK | ColorSpace::YCCK) => Ok(headers.colours),
        (_, components, colours) => Err(Refusal::Options(format!(
            "an image of {components} components in {colours:?} cannot be decoded as {layout:?}"
        ))),
    }
}

/// Turns lightness and colour into inks, and leaves black as it is.
fn inks_of_ycck(pixels: &mut [u8]) {
    for pixel in pixels.chunks_exact_mut(4) {
        let [y, cb, cr, _] = pixel else { continue };
        let (light, blue, red) = (
            f32::from(*y),
            f32::from(*cb) - 128.0,
            f32::from(*cr) - 128.0,
        );
        // A cast saturates.
        *y = (255.0 - (light + 1.402 * red)).round() as u8;
        *cb = (255.0 - (light - 0.344_136 * blue - 0.714_136 * red)).round() as u8;
        *cr = (255.0 - (light + 1.772 * blue)).round() as u8;
    }
}

fn damaged(error: zune_jpeg::errors::DecodeErrors) -> Refusal {
    use zune_jpeg::errors::DecodeErrors;
    match error {
        DecodeErrors::Unsupported(scheme) => {
            Refusal::Unsupported(format!("this kind of JPEG cannot be decoded: {scheme:?}"))
        }
        other => Refusal::Damaged(format!("{other:?}")),
    }
}
