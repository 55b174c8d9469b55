//! The bytes of a file, unpacked, from the beginning as often as they are asked for.
//!
//! Nothing is unpacked to disk or kept: a compressed file is unpacked again for each pass,
//! and what a pass unpacks is bounded.

use super::packing::{Member, Packing};
use super::rows::Unloaded;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

/// Largest window of a Zstandard frame: 128 MiB, as the command `zstd` takes without options.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// An open file that is read as a table.
pub struct Content {
    source: Source,
    bytes: u64,
    packing: Packing,
    unpacked_max: u64,
}

enum Source {
    File(File),
    Memory(Vec<u8>),
}

impl Content {
    /// A file of `bytes` bytes, which may be `unpacked_max` when it is unpacked.
    #[must_use]
    pub fn of_file(file: File, bytes: u64, packing: Packing, unpacked_max: u64) -> Self {
        Self {
            source: Source::File(file),
            bytes,
            packing,
            unpacked_max,
        }
    }

    /// Bytes as if a file had them.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            source: Source::Memory(bytes.to_vec()),
            packing: Packing::None,
            unpacked_max: u64::MAX,
        }
    }

    /// The size of the file as it is.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Size and time of the file now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn state(&self) -> io::Result<(u64, Option<SystemTime>)> {
        match &self.source {
            Source::File(file) => {
                let status = file.metadata()?;
                Ok((status.len(), status.modified().ok()))
            }
            Source::Memory(_) => Ok((self.bytes, None)),
        }
    }

    /// The content from its beginning. A file that grows meanwhile is read as it was.
    pub(super) fn reader(&self) -> Result<Box<dyn Read + '_>, Unloaded> {
        let raw = self.span(0, self.bytes);
        let unpacked: Box<dyn Read + '_> = match self.packing {
            Packing::None => return Ok(Box::new(raw)),
            Packing::Gzip => Box::new(MultiGzDecoder::new(raw)),
            Packing::Zstd => {
                let decoder = zstd::Decoder::new(raw).and_then(|mut decoder| {
                    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                    Ok(decoder)
                });
                Box::new(decoder.map_err(unread)?)
            }
            Packing::Zip => {
                let member = Member::find(self.span(0, self.bytes))?;
                let raw = self.span(member.start, member.bytes);
                match member.is_deflated {
                    true => Box::new(DeflateDecoder::new(raw)),
                    false => Box::new(raw),
                }
            }
        };
        Ok(Box::new(Bounded {
            inner: unpacked,
            left: self.unpacked_max,
        }))
    }

    /// A part of the file as it is, to be read and sought.
    pub(super) fn span(&self, start: u64, bytes: u64) -> Span<'_> {
        Span {
            content: self,
            start: start.min(self.bytes),
            length: bytes.min(self.bytes.saturating_sub(start)),
            at: 0,
        }
    }

    /// The file itself, for decoders that seek in it. Formats that are packed inside are not
    /// unpacked from the outside.
    pub(super) fn file(&self) -> Result<File, Unloaded> {
        match (&self.source, self.packing) {
            (Source::File(file), Packing::None) => file
                .try_clone()
                .map_err(|error| Unloaded::Host(error.to_string())),
            _ => Err(Unloaded::Content(
                "a file of this format is not read from a compressed file; unpack it first"
                    .to_owned(),
            )),
        }
    }
}

/// A range of a file, with a place of its own.
pub(super) struct Span<'c> {
    content: &'c Content,
    start: u64,
    length: u64,
    at: u64,
}

impl Read for Span<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let Some(buffer) = buffer.get_mut(..wanted) else {
            return Ok(0);
        };
        let place = self.start.saturating_add(self.at);
        let count = match &self.content.source {
            Source::File(file) => file.read_at(buffer, place)?,
            Source::Memory(bytes) => {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                let mut rest = bytes.get(place..).unwrap_or_default();
                rest.read(buffer)?
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl io::Seek for Span<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let place = match to {
            io::SeekFrom::Start(place) => Some(place),
            io::SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            io::SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = place.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Refuses to go on after a number of bytes.
struct Bounded<'c> {
    inner: Box<dyn Read + 'c>,
    left: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What a decoder has to say of its input is about the file, not about the disk.
        let count = self
            .inner
            .read(buffer)
            .map_err(|error| match error.raw_os_error() {
                Some(_) => error,
                None => io::Error::new(ErrorKind::InvalidData, error),
            })?;
        self.left = (self.left.checked_sub(count as u64)).ok_or(ErrorKind::FileTooLarge)?;
        Ok(count)
    }
}

/// Why a read failed.
pub(super) fn unread(error: io::Error) -> Unloaded {
    match error.kind() {
        ErrorKind::FileTooLarge => Unloaded::TooLarge,
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput => {
            Unloaded::Content(format!("it cannot be unpacked: {error}"))
        }
        _ => Unloaded::Host(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(packing: Packing, bytes: &[u8], max: u64) -> Content {
        let content = Content::of_bytes(bytes);
        Content {
            packing,
            unpacked_max: max,
            ..content
        }
    }

    fn whole(content: &Content) -> Result<Vec<u8>, String> {
        let mut whole = Vec::new();
        let mut reader = content.reader().map_err(|error| format!("{error:?}"))?;
        match reader.read_to_end(&mut whole) {
            Ok(_) => Ok(whole),
            Err(error) => Err(format!("{:?}", unread(error))),
        }
    }

    #[test]
    fn packed_files_are_read_twice_and_within_a_bound() {
        let text = "a,b\n1,2\n".repeat(1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        let mut members = gzip.finish().unwrap();
        // Two members are one file, as `cat a.gz b.gz` makes.
        members.extend(members.clone());
        let twice = text.repeat(2);
        let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
        for (packing, bytes, expected) in [
            (Packing::None, text.as_bytes(), &text),
            (Packing::Gzip, &members, &twice),
            (Packing::Zstd, &zstd, &text),
        ] {
            let content = packed(packing, bytes, expected.len() as u64);
            for _ in 0..2 {
                assert_eq!(whole(&content).unwrap(), expected.as_bytes(), "{packing:?}");
            }
            if packing != Packing::None {
                let less = packed(packing, bytes, expected.len() as u64 - 1);
                assert_eq!(whole(&less), Err("TooLarge".to_owned()));
                let cut = packed(packing, &bytes[..bytes.len() - 3], u64::MAX);
                let error = whole(&cut).unwrap_err();
                assert!(error.contains("cannot be unpacked"), "{error}");
            }
        }
    }
}
