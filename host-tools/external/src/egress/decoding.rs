//! A response's body as it comes in: decompressed piece by piece, and cut off
//! at the limit, so that a small answer cannot unfold into a large one.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::write::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, HeaderMap};
use std::io::{self, Write};

/// What is offered to servers; nothing else is decoded.
pub(super) const ACCEPTED: &str = "gzip, br";

/// Bytes that are decompressed between two looks at the limit.
const BROTLI_BUFFER_BYTES: usize = 16 << 10;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Brotli,
    /// Not read here.
    Unknown,
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return match headers.contains_key(CONTENT_ENCODING) {
                true => Self::Unknown,
                false => Self::Identity,
            };
        };
        let name = value.as_bytes().trim_ascii().to_ascii_lowercase();
        match name.as_slice() {
            b"" | b"identity" => Self::Identity,
            b"gzip" | b"x-gzip" => Self::Gzip,
            b"br" => Self::Brotli,
            _ => Self::Unknown,
        }
    }
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFault {
    /// It exceeds the limit.
    TooLarge,
    /// It is not what its encoding says.
    Damaged,
}

/// Collects a body.
pub(super) struct BodyReader {
    decoder: Decoder,
    sink: Capped,
    received: usize,
}

enum Decoder {
    Identity,
    Gzip(Box<MultiGzDecoder<Capped>>),
    Brotli(Box<Brotli>),
}

impl BodyReader {
    pub(super) fn new(encoding: Encoding, max_bytes: usize) -> Self {
        let decoder = match encoding {
            Encoding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(Capped::new(max_bytes)))),
            Encoding::Brotli => Decoder::Brotli(Box::new(Brotli::new())),
            Encoding::Identity | Encoding::Unknown => Decoder::Identity,
        };
        Self {
            decoder,
            sink: Capped::new(max_bytes),
            received: 0,
        }
    }

    /// Takes the next bytes as they came.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), BodyFault> {
        if bytes.is_empty() {
            return Ok(());
        }
        // Compressed data may unfold into nothing; it counts all the same.
        self.received = self.received.saturating_add(bytes.len());
        if self.received > self.sink.max_bytes {
            return Err(BodyFault::TooLarge);
        }
        match &mut self.decoder {
            Decoder::Identity => self.sink.take(bytes),
            Decoder::Brotli(decoder) => decoder.push(bytes, &mut self.sink),
            Decoder::Gzip(decoder) => match decoder.write_all(bytes) {
                Ok(()) => Ok(()),
                Err(_) => Err(decoder.get_ref().fault()),
            },
        }
    }

    /// The body, once all of it has come.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, BodyFault> {
        // An empty body is valid in every encoding: answers to HEAD name one
        // without having any.
        if self.received == 0 {
            return Ok(Vec::new());
        }
        match &mut self.decoder {
            Decoder::Identity => Ok(self.sink.bytes),
            Decoder::Brotli(decoder) if decoder.is_over => Ok(self.sink.bytes),
            Decoder::Brotli(_) => Err(BodyFault::Damaged),
            Decoder::Gzip(decoder) => match decoder.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().bytes)),
                Err(_) => Err(decoder.get_ref().fault()),
            },
        }
    }
}

struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    buffer: Vec<u8>,
    written: usize,
    is_over: bool,
}

impl Brotli {
    fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self {
            state: BrotliState::new(alloc(), alloc(), alloc()),
            buffer: vec![0; BROTLI_BUFFER_BYTES],
            written: 0,
            is_over: false,
        }
    }

    fn push(&mut self, bytes: &[u8], sink: &mut Capped) -> Result<(), BodyFault> {
        if self.is_over {
            return Err(BodyFault::Damaged);
        }
        let mut left = bytes.len();
        let mut read = 0;
        loop {
            let mut room = self.buffer.len();
            let mut filled = 0;
            let outcome = BrotliDecompressStream(
                &mut left,
                &mut read,
                bytes,
                &mut room,
                &mut filled,
                &mut self.buffer,
                &mut self.written,
                &mut self.state,
            );
            sink.take(self.buffer.get(..filled).unwrap_or_default())?;
            match outcome {
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::ResultSuccess if left == 0 => {
                    self.is_over = true;
                    return Ok(());
                }
                BrotliResult::ResultSuccess | BrotliResult::ResultFailure => {
                    return Err(BodyFault::Damaged);
                }
            }
        }
    }
}

/// A buffer that takes so much and no more.
struct Capped {
    bytes: Vec<u8>,
    max_bytes: usize,
    overflowed: bool,
}

impl Capped {
    fn new(max_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            max_bytes,
            overflowed: false,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), BodyFault> {
        self.overflowed |= bytes.len() > self.max_bytes.saturating_sub(self.bytes.len());
        if self.overflowed {
            return Err(BodyFault::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Why a decoder that writes here failed.
    fn fault(&self) -> BodyFault {
        match self.overflowed {
            true => BodyFault::TooLarge,
            false => BodyFault::Damaged,
        }
    }
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.take(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compress(encoding: Encoding, text: &[u8]) -> Vec<u8> {
        if encoding == Encoding::Gzip {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            encoder.write_all(text).unwrap();
            return encoder.finish().unwrap();
        }
        let mut compressed = Vec::new();
        let mut encoder = brotli::CompressorWriter::new(&mut compressed, 4096, 5, 22);
        encoder.write_all(text).unwrap();
        drop(encoder);
        compressed
    }

    fn read(encoding: Encoding, pieces: &[&[u8]], max: usize) -> Result<Vec<u8>, BodyFault> {
        let mut reader = BodyReader::new(encoding, max);
        for piece in pieces {
            reader.push(piece)?;
        }
        reader.finish()
    }

    #[test]
    fn a_body_is_read_to_its_bound_and_no_further() {
        let text = b"the same words again and again ".repeat(100);
        for encoding in [Encoding::Gzip, Encoding::Brotli] {
            let bytes = compress(encoding, &text);
            assert!(bytes.len() < text.len() / 4);
            let pieces: Vec<&[u8]> = bytes.chunks(7).collect();
            assert_eq!(read(encoding, &pieces, text.len()), Ok(text.clone()));
            let short = read(encoding, &pieces, text.len() - 1);
            assert_eq!(short, Err(BodyFault::TooLarge), "{encoding:?}");
            let cut = &bytes[..bytes.len() - 1];
            let cut = read(encoding, &[cut], text.len());
            assert_eq!(cut, Err(BodyFault::Damaged), "{encoding:?}");
            let trailing = read(encoding, &[&bytes, b"trailing"], text.len());
            assert_eq!(trailing, Err(BodyFault::Damaged), "{encoding:?}");
            assert_eq!(read(encoding, &[], 1), Ok(Vec::new()));
        }
    }

    #[test]
    fn what_unfolds_into_nothing_is_bounded_too() {
        let empty = compress(Encoding::Gzip, b"");
        let pieces = vec![empty.as_slice(); 100];
        let max = empty.len() * 100;
        assert_eq!(read(Encoding::Gzip, &pieces, max), Ok(Vec::new()));
        let over = read(Encoding::Gzip, &pieces, max - 1);
        assert_eq!(over, Err(BodyFault::TooLarge));
    }

    proptest! {
        #[test]
        fn damage_never_panics_and_never_exceeds(
            text in proptest::collection::vec(any::<u8>(), 0..400),
            at in any::<prop::sample::Index>(),
            change in any::<u8>(),
            gzip in any::<bool>(),
        ) {
            let encoding = if gzip { Encoding::Gzip } else { Encoding::Brotli };
            let mut bytes = compress(encoding, &text);
            let place = at.index(bytes.len());
            bytes[place] ^= change;
            if let Ok(body) = read(encoding, &[&bytes], 1000) {
                prop_assert!(body.len() <= 1000);
                prop_assert!(change != 0 || body == text);
            }
        }
    }
}
