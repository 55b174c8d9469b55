//! Decoders of what a guest or a file may contain, for the fuzz targets, and the guest's
//! imports, for the oracle.

pub use crate::image::{check_document, check_record};
pub use crate::session::check_answer;
pub use crate::wasi::{ImportCaller, Imports, Offloaded, SHARED_WORDS, offloaded};

use crate::channel::{DisplayData, decode_display};
use crate::error::Error;
use crate::memory::MemoryImage;
use crate::platform::PAGE_BYTES;
use crate::snapshot::{Bounds, Snapshot};
use crate::state::PageDelta;
use memex_channel::Frame;
use memex_filesystem::Quota;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;

/// Decodes a display frame of the guest and returns the bytes of its content.
///
/// # Errors
/// Says why the bytes are not a display.
pub fn check_display(bytes: &[u8]) -> Result<usize, String> {
    let frame = Frame::decode(bytes).map_err(|error| error.to_string())?;
    let display = decode_display(&frame)?.into_display();
    let content = display.data.values().map(|data| match data {
        DisplayData::Text(text) => text.len(),
        DisplayData::Bytes(bytes) => bytes.len(),
    });
    Ok(content.sum())
}

/// What a policy may allow a state to hold.
const BOUNDS: Bounds = Bounds {
    memory_bytes: 1 << 30,
    files: Quota {
        file_bytes: 64 << 20,
        ..Quota::MAX
    },
};

/// Where the digest of a snapshot's image lies in its head.
const IMAGE_DIGEST_AT: std::ops::Range<usize> = 16..48;

/// Reads forged snapshots: with a valid checksum, and of the existing image.
#[derive(Debug)]
pub struct ForgedSnapshots {
    image: MemoryImage,
}

impl ForgedSnapshots {
    /// Snapshots of an image of `pages` pages of zeros, in an empty `file`.
    ///
    /// # Errors
    /// When the file cannot be mapped.
    pub fn new(file: File, pages: usize) -> io::Result<Self> {
        let bytes = pages.saturating_mul(PAGE_BYTES);
        file.set_len(bytes as u64)?;
        let image = MemoryImage::new(file, bytes)?;
        Ok(Self { image })
    }

    /// Decodes the snapshot whose head is `body` and its checksum; what it
    /// accepts encodes to a snapshot with the same pages. Returns their number.
    ///
    /// # Errors
    /// Says why the bytes are not a snapshot.
    pub fn read(&self, body: &[u8]) -> Result<u64, Error> {
        let digest = body.get(IMAGE_DIGEST_AT).and_then(|d| d.try_into().ok());
        let digest = digest.unwrap_or([0; 32]);
        let mut head = body.to_vec();
        head.extend_from_slice(blake3::hash(body).as_bytes());
        let no_chunk = |_: &[u8; 32]| Err(Error::Snapshot("there are no chunks".to_owned()));
        let (read, generators) =
            Snapshot::decode_with(&head, (&self.image, digest), &BOUNDS, no_chunk)?;
        let encoded = read.encode_with(&self.image, &[], generators)?;
        let chunk = |wanted: &[u8; 32]| {
            let chunks = encoded.chunks.iter();
            let found = chunks.into_iter().find(|chunk| chunk.digest == *wanted);
            found
                .map(|chunk| chunk.bytes.to_vec())
                .ok_or_else(|| Error::Snapshot("a chunk is missing".to_owned()))
        };
        let (again, _) =
            Snapshot::decode_with(&encoded.head, (&self.image, digest), &Bounds::OWN, chunk)?;
        match self.holds_the_same(&read, &again) {
            true => Ok(read.pages()),
            false => Err(Error::Snapshot("its pages changed".to_owned())),
        }
    }

    /// Whether the pages are the same. A page that is as in the image is not
    /// written.
    fn holds_the_same(&self, read: &Snapshot, again: &Snapshot) -> bool {
        let again: BTreeMap<u32, _> = again.state.heap.pages.iter().cloned().collect();
        let pages = &read.state.heap.pages;
        let unchanged = |number: u32| {
            let base = self.image.page_array(number)?;
            Some(PageDelta::between(base, base))
        };
        again.len() <= pages.len()
            && pages.iter().all(|(number, delta)| match again.get(number) {
                Some(written) => written == delta,
                None => unchanged(*number).is_some_and(|empty| **delta == empty),
            })
    }
}
