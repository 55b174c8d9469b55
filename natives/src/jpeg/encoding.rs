//! A JPEG file from pixels.

use super::layout::Layout;
use crate::answer::Answer;
use crate::guarding::{guarded, look_or_leave};
use crate::refusal::Refusal;
use crate::room::Room;
use crate::sink::Sink;
use jpeg_encoder::{
    ChromaSubsamplingMethod, Encoder, ImageBuffer, JpegColorType, PixelDensity, PixelDensityUnit,
    QuantizationTableType, SamplingFactor, rgb_to_ycbcr,
};
use serde::Deserialize;

/// The widest block of a coded image: 8 pixels, subsampled 2 times.
const BLOCK_PIXELS: u64 = 16;
/// What the encoder holds of a row of blocks, for each pixel of its width.
const ROW_BYTES: u64 = 64;
/// What encoding a byte of an image costs.
const WORK_PER_BYTE: u64 = 40;

/// Options of `jpeg.encode`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Encoding {
    layout: Layout,
    width: u16,
    height: u16,
    /// 1 to 100. Means nothing where there are tables.
    quality: u8,
    /// How colour is subsampled: 0 not, 1 across, 2 in both directions.
    subsampling: u8,
    progressive: bool,
    optimize: bool,
    /// Blocks between two restart markers; 0 for none.
    restart_blocks: u16,
    /// Dots per inch, across and down; 0 for no statement.
    dpi: [u16; 2],
    /// One quantization table of 64 numbers, or one for lightness and one for
    /// colour, in reading order.
    tables: Option<Vec<Vec<u16>>>,
}

/// The file.
pub(crate) fn encode(
    options: &Encoding,
    pixels: &[u8],
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let (width, height) = (u64::from(options.width), u64::from(options.height));
    let channels = options.layout.channels();
    if width * height * channels != pixels.len() as u64 || pixels.is_empty() {
        return Err(Refusal::Options(format!(
            "{} bytes are no image of {width} × {height} pixels of {channels} bytes",
            pixels.len()
        )));
    }
    let padded = |length: u64| length.next_multiple_of(BLOCK_PIXELS);
    let coefficients = match options.progressive || options.optimize {
        true => padded(width) * padded(height) * channels * 2,
        false => 0,
    };
    // The output grows by doubling.
    let written = room.bytes_max().min(2 * pixels.len() as u64 + (1 << 20));
    room.admit_working(coefficients + padded(width) * channels * ROW_BYTES + 2 * written)?;
    room.charge(pixels.len() as u64 * WORK_PER_BYTE)?;
    guarded(room, || {
        let mut sink = Sink::new(room);
        let mut encoder = Encoder::new(&mut sink, options.quality.clamp(1, 100));
        options.apply(&mut encoder)?;
        let rows = Rows {
            pixels,
            options,
            room,
        };
        let result = encoder.encode_image(rows);
        // What the sink refused comes first.
        let file = sink.finish()?;
        result.map_err(|error| Refusal::Options(error.to_string()))?;
        Ok(Answer::of(file))
    })
}

impl Encoding {
    fn apply<W: std::io::Write>(&self, encoder: &mut Encoder<W>) -> Result<(), Refusal> {
        encoder.set_sampling_factor(match self.subsampling {
            0 => SamplingFactor::F_1_1,
            1 => SamplingFactor::F_2_1,
            2 => SamplingFactor::F_2_2,
            _ => return Err(Refusal::Options("subsampling is 0, 1 or 2".to_owned())),
        });
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.set_progressive(self.progressive);
        encoder.set_optimized_huffman_tables(self.optimize);
        encoder.set_restart_interval(self.restart_blocks);
        let [across, down] = self.dpi;
        if across > 0 && down > 0 {
            encoder.set_density(PixelDensity {
                density: (across, down),
                unit: PixelDensityUnit::Inches,
            });
        }
        if let Some(tables) = &self.tables {
            let (light, colour) = match tables.as_slice() {
                [one] => (table(one)?, table(one)?),
                [light, colour] => (table(light)?, table(colour)?),
                _ => return Err(Refusal::Options("there are 1 or 2 tables".to_owned())),
            };
            encoder.set_quantization_tables(light, colour);
        }
        Ok(())
    }
}

fn table(numbers: &[u16]) -> Result<QuantizationTableType, Refusal> {
    let numbers: [u16; 64] = numbers
        .try_into()
        .map_err(|_| Refusal::Options("a quantization table has 64 numbers".to_owned()))?;
    Ok(QuantizationTableType::Custom(Box::new(numbers)))
}

/// The image, a row at a time; between rows it looks at the interrupt.
struct Rows<'a> {
    pixels: &'a [u8],
    options: &'a Encoding,
    room: &'a Room<'a>,
}

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        match self.options.layout {
            Layout::L => JpegColorType::Luma,
            Layout::Rgb | Layout::YCbCr => JpegColorType::Ycbcr,
            Layout::Cmyk => JpegColorType::Cmyk,
        }
    }

    fn width(&self) -> u16 {
        self.options.width
    }

    fn height(&self) -> u16 {
        self.options.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        look_or_leave(self.room);
        let channels = self.options.layout.channels() as usize;
        let length = usize::from(self.options.width) * channels;
        let start = usize::from(y) * length;
        let row = self.pixels.get(start..start + length).unwrap_or_default();
        for pixel in row.chunks_exact(channels) {
            let converted = match (self.options.layout, pixel) {
                (Layout::Rgb, &[red, green, blue]) => {
                    let (y, cb, cr) = rgb_to_ycbcr(red, green, blue);
                    [y, cb, cr, 0]
                }
                (_, &[a]) => [a, 0, 0, 0],
                (_, &[a, b, c]) => [a, b, c, 0],
                (_, &[a, b, c, d]) => [a, b, c, d],
                _ => continue,
            };
            for (buffer, byte) in buffers.iter_mut().zip(converted).take(channels) {
                buffer.push(byte);
            }
        }
    }
}
