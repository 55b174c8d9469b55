//! What a WebP file says of its sizes, before its decoder sees it.
//!
//! ```text
//!  RIFF size WEBP  (VP8 | VP8L)                      one image
//!                  VP8X … (ALPH) (VP8 | VP8L) …      one image, on a canvas
//!                  VP8X … ANIM … (ANMF: (ALPH) (VP8 | VP8L))*
//! ```
//! The decoder allocates what coded images say of their size, and compares it with
//! the canvas only afterwards.

use crate::refusal::Refusal;
use crate::room::Room;

/// Most chunks that are looked at.
const CHUNKS_MAX: usize = 1 << 16;
/// Most bytes that the tables of a losslessly coded image can take: 65,536 groups of
/// five codes, each with a table of 1,024 words, and what they point to.
const TABLES_BYTES_MAX: u64 = 65_536 * 5 * 5 * 1_024;
/// Most bytes of tables for each coded byte: the shortest code with such a table has
/// about 90 bits.
const TABLE_BYTES_PER_BYTE: u64 = 512;

/// The sizes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: u64,
    pub(super) height: u64,
    /// The frames of an animation; none, of a still image.
    pub(super) frames: u64,
    /// Most bytes that the tables of one of its images can take.
    pub(super) tables_bytes: u64,
}

/// Reads the sizes. Every coded image has to fit the canvas.
pub(super) fn examine(bytes: &[u8], room: &Room<'_>) -> Result<Shape, Refusal> {
    let is_webp = bytes.get(..4) == Some(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    if !is_webp {
        return Err(damaged("they do not begin as a WebP file does"));
    }
    let mut shape: Option<Shape> = None;
    let chunks = Chunks::of(bytes.get(12..).unwrap_or_default());
    let mut count = 0;
    for (name, data) in chunks {
        if count % 1024 == 0 {
            room.look()?;
        }
        count += 1;
        if count > CHUNKS_MAX {
            return Err(damaged("they have too many chunks"));
        }
        let Some(known) = &mut shape else {
            match name {
                b"VP8X" => shape = Some(Shape::of(1 + three(data, 4)?, 1 + three(data, 7)?)),
                b"VP8 " | b"VP8L" => {
                    let (width, height) = coded_size(name, data)?;
                    let mut only = Shape::of(width, height);
                    only.fit(name, data, (width, height))?;
                    // Anything after it is not looked at by the decoder either.
                    return Ok(only);
                }
                _ => return Err(damaged("their first chunk is no image")),
            }
            continue;
        };
        match name {
            b"ANMF" => {
                known.frames += 1;
                known.fit_frame(data)?;
            }
            b"VP8 " | b"VP8L" | b"ALPH" => {
                let canvas = (known.width, known.height);
                known.fit(name, data, canvas)?;
            }
            _ => {}
        }
    }
    shape.ok_or(Refusal::CutOff)
}

impl Shape {
    fn of(width: u64, height: u64) -> Self {
        Self {
            width,
            height,
            frames: 0,
            tables_bytes: 0,
        }
    }

    /// A frame: its place and size on the canvas, and its coded image.
    fn fit_frame(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let (left, top) = (2 * three(data, 0)?, 2 * three(data, 3)?);
        let (width, height) = (1 + three(data, 6)?, 1 + three(data, 9)?);
        if left + width > self.width || top + height > self.height {
            return Err(damaged("a frame lies outside of the canvas"));
        }
        // The decoder goes by the length, the format pads it: they agree on even ones.
        if data.len() % 2 == 1 {
            return Err(damaged("a frame is of an odd length"));
        }
        let mut chunks = Chunks::of(data.get(16..).unwrap_or_default());
        let mut image = chunks.next().ok_or(Refusal::CutOff)?;
        if image.0 == b"ALPH" {
            self.fit(image.0, image.1, (width, height))?;
            image = chunks.next().ok_or(Refusal::CutOff)?;
            // It is decoded as such whatever it is called.
            if image.0 != b"VP8 " {
                return Err(damaged("an alpha channel stands before no lossy image"));
            }
        }
        match image.0 {
            b"VP8 " | b"VP8L" => self.fit(image.0, image.1, (width, height)),
            _ => Err(damaged("a frame holds no image")),
        }
    }

    /// A coded image, which must be of this size.
    fn fit(&mut self, name: &[u8; 4], data: &[u8], size: (u64, u64)) -> Result<(), Refusal> {
        if name != b"ALPH" && coded_size(name, data)? != size {
            return Err(damaged("an image is not of the size that the file states"));
        }
        if name != b"VP8 " {
            let coded = (data.len() as u64).saturating_mul(TABLE_BYTES_PER_BYTE);
            self.tables_bytes = self.tables_bytes.max(coded.min(TABLES_BYTES_MAX));
        }
        Ok(())
    }
}

/// The size that a coded image states.
fn coded_size(name: &[u8; 4], data: &[u8]) -> Result<(u64, u64), Refusal> {
    if name == b"VP8 " {
        let Some(&[w0, w1, h0, h1]) = data.get(6..10) else {
            return Err(Refusal::CutOff);
        };
        let size = |low, high| u64::from(u16::from_le_bytes([low, high]) & 0x3fff);
        return Ok((size(w0, w1), size(h0, h1)));
    }
    let Some(&[a, b, c, d]) = data.get(1..5) else {
        return Err(Refusal::CutOff);
    };
    let bits = u64::from(u32::from_le_bytes([a, b, c, d]));
    Ok((1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)))
}

/// Three bytes as a number.
fn three(data: &[u8], at: usize) -> Result<u64, Refusal> {
    match data.get(at..at + 3) {
        Some(&[a, b, c]) => Ok(u64::from(u32::from_le_bytes([a, b, c, 0]))),
        _ => Err(Refusal::CutOff),
    }
}

fn damaged(why: &str) -> Refusal {
    Refusal::Damaged(why.to_owned())
}

/// Chunks: a name, a length, that many bytes, and one more if they are odd. The last
/// may be cut off.
struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    fn of(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let data = rest.get(..length.min(rest.len()))?;
        let next = length.saturating_add(length & 1);
        self.rest = rest.get(next..).unwrap_or_default();
        Some((name, data))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::room::Bounds;

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut out = [name.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat();
        out.resize(out.len().next_multiple_of(2), 0);
        out
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = [b"WEBP".to_vec(), chunks.concat()].concat();
        chunk(b"RIFF", &body)
    }

    fn canvas(width: u32, height: u32) -> Vec<u8> {
        let three = |n: u32| (n - 1).to_le_bytes()[..3].to_vec();
        chunk(b"VP8X", &[vec![0; 4], three(width), three(height)].concat())
    }

    fn lossy(width: u16, height: u16) -> Vec<u8> {
        let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
        chunk(b"VP8 ", &[vec![0, 0, 0, 0x9d, 1, 0x2a], size].concat())
    }

    fn lossless(width: u32, height: u32) -> Vec<u8> {
        let bits = (width - 1) | (height - 1) << 14;
        chunk(b"VP8L", &[vec![0x2f], bits.to_le_bytes().to_vec()].concat())
    }

    fn frame(at: (u32, u32), size: (u32, u32), image: Vec<u8>) -> Vec<u8> {
        let numbers = [at.0 / 2, at.1 / 2, size.0 - 1, size.1 - 1, 40];
        let mut data: Vec<u8> = numbers
            .iter()
            .flat_map(|n| n.to_le_bytes()[..3].to_vec())
            .collect();
        data.push(0);
        chunk(b"ANMF", &[data, image].concat())
    }

    /// An alpha channel and a lossy image under another name.
    fn unnamed(width: u16, height: u16) -> Vec<u8> {
        let mut image = lossy(width, height);
        image[..4].copy_from_slice(b"ABCD");
        [chunk(b"ALPH", &[0; 64]), image].concat()
    }

    /// A frame whose length is odd: whoever pads it and whoever does not find
    /// different frames after it.
    fn odd_frame() -> Vec<u8> {
        let mut odd = frame((0, 0), (8, 8), lossy(8, 8));
        let length = odd.len() as u32 - 7;
        odd[4..8].copy_from_slice(&length.to_le_bytes());
        odd.extend([0, 0]);
        file(&[canvas(8, 8), odd])
    }

    fn shape(bytes: &[u8]) -> Result<Shape, Refusal> {
        let bounds = Bounds {
            bytes_max: 1 << 20,
            working_bytes_max: 1 << 20,
            work_max: None,
        };
        examine(bytes, &Room::new(bounds, &|| false))
    }

    #[test]
    fn sizes_are_read_in_every_form() {
        for (file, size, frames) in [
            (file(&[lossy(300, 200)]), (300, 200), 0),
            (file(&[lossless(16_384, 1)]), (16_384, 1), 0),
            (file(&[canvas(7, 9), lossless(7, 9)]), (7, 9), 0),
            (
                file(&[
                    canvas(20, 10),
                    frame((0, 0), (20, 10), lossy(20, 10)),
                    frame((4, 2), (16, 8), lossless(16, 8)),
                ]),
                (20, 10),
                2,
            ),
        ] {
            let shape = shape(&file).unwrap();
            assert_eq!(
                (shape.width, shape.height, shape.frames),
                (size.0, size.1, frames)
            );
        }
    }

    #[test]
    fn a_coded_image_cannot_be_larger_than_it_is_said_to_be() {
        for file in [
            file(&[canvas(1, 1), lossy(16_383, 16_383)]),
            file(&[canvas(1, 1), lossless(16_384, 16_384)]),
            file(&[canvas(8, 8), frame((0, 0), (8, 8), lossy(16_383, 16_383))]),
            file(&[canvas(8, 8), frame((2, 0), (8, 8), lossy(8, 8))]),
            // What the decoder takes for an image, by its place and not by its name.
            file(&[canvas(8, 8), frame((0, 0), (8, 8), unnamed(16_383, 16_383))]),
            file(&[canvas(8, 8), frame((0, 0), (8, 8), chunk(b"XMP ", b"x"))]),
            odd_frame(),
            file(&[chunk(b"ICCP", b"x"), lossy(1, 1)]),
            b"RIFF\0\0\0\0WAVE".to_vec(),
        ] {
            assert!(matches!(shape(&file), Err(Refusal::Damaged(_))), "{file:?}");
        }
        let whole = file(&[canvas(7, 9), lossless(7, 9)]);
        for end in 12..whole.len() {
            // Cut anywhere: read, or refused, never more than was stated.
            if let Ok(shape) = shape(&whole[..end]) {
                assert_eq!((shape.width, shape.height), (7, 9));
            }
        }
    }

    #[test]
    fn tables_of_lossless_images_are_bounded_by_their_bytes() {
        let image = chunk(
            b"VP8L",
            &[lossless(4, 4)[8..13].to_vec(), vec![0; 995]].concat(),
        );
        assert_eq!(shape(&file(&[image])).unwrap().tables_bytes, 512_000);
        let image = chunk(
            b"VP8L",
            &[lossless(4, 4)[8..13].to_vec(), vec![0; 9 << 20]].concat(),
        );
        assert_eq!(
            shape(&file(&[image])).unwrap().tables_bytes,
            TABLES_BYTES_MAX
        );
    }
}
