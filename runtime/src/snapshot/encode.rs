//! From a snapshot to bytes.

use super::format::*;
use super::packing::packed;
use super::saved::{Generators, Snapshot};
use crate::error::Error;
use crate::image::RandomState;
use crate::memory::MemoryImage;
use crate::platform::PAGE_BYTES;
use crate::state::Page;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// A snapshot outside of its process: a head of a few kilobytes, and the large
/// parts it names.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// Header, table of sections, small sections, checksum.
    pub head: Vec<u8>,
    /// Large sections, each at most 1 MiB.
    pub chunks: Vec<Chunk>,
}

/// A part of a snapshot, named by its BLAKE3 digest.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Digest of the bytes.
    pub digest: [u8; 32],
    /// The bytes, not compressed.
    pub bytes: Vec<u8>,
}

impl Encoded {
    /// Bytes of the head and all chunks.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let chunks = self.chunks.iter().map(|chunk| chunk.bytes.len());
        (self.head.len() + chunks.sum::<usize>()) as u64
    }

    /// Gives back room that nothing is in.
    pub(crate) fn shrink(&mut self) {
        self.head.shrink_to_fit();
        self.chunks.shrink_to_fit();
        for chunk in &mut self.chunks {
            chunk.bytes.shrink_to_fit();
        }
    }

    /// The chunks by their digests, which nobody has checked.
    pub(crate) fn by_digest(&self) -> Result<HashMap<&[u8; 32], &[u8]>, Error> {
        if self.chunks.len() > SECTIONS_MAX {
            let count = self.chunks.len();
            return Err(Error::Snapshot(format!(
                "it has {count} chunks, of {SECTIONS_MAX} allowed"
            )));
        }
        let chunks = self.chunks.iter();
        Ok(chunks
            .map(|chunk| (&chunk.digest, chunk.bytes.as_slice()))
            .collect())
    }
}

struct Section {
    kind: u8,
    first: u32,
    count: u32,
    bytes: Vec<u8>,
}

impl Snapshot {
    /// Encodes the snapshot against its image. `generators` says whether the
    /// state of the random generators is part of it.
    ///
    /// # Errors
    /// When the snapshot is larger than the format can hold.
    pub(crate) fn encode_with(
        &self,
        image: &MemoryImage,
        random: &[RandomState],
        generators: Generators,
    ) -> Result<Encoded, Error> {
        let keep = generators == Generators::Keep;
        let mut sections = self
            .heap_sections(image, if keep { &[] } else { random })
            .map_err(Error::system("read a session's memory"))?;
        for (index, piece) in self
            .state
            .files
            .encode()
            .chunks(CHUNK_BYTES_MAX)
            .enumerate()
        {
            sections.push(Section {
                kind: KIND_FILES,
                first: index as u32,
                count: 1,
                bytes: piece.to_vec(),
            });
        }
        if sections.len() > SECTIONS_MAX {
            return Err(Error::Snapshot("it has too many parts".into()));
        }
        let mut head = self.header(sections.len(), keep);
        let mut inline = Vec::new();
        let mut chunks = BTreeMap::new();
        for section in sections {
            section.write(&mut head, &mut inline, &mut chunks)?;
        }
        head.extend_from_slice(&inline);
        let checksum = blake3::hash(&head);
        head.extend_from_slice(checksum.as_bytes());
        let chunks = chunks
            .into_iter()
            .map(|(digest, bytes)| Chunk { digest, bytes })
            .collect();
        Ok(Encoded { head, chunks })
    }

    fn header(&self, sections: usize, keep: bool) -> Vec<u8> {
        let mut head = Vec::with_capacity(4096);
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        let mut flags = if keep { FLAG_GENERATORS } else { 0 };
        if self.awaits_calls {
            flags |= FLAG_AWAITS_CALLS;
        }
        head.extend_from_slice(&flags.to_le_bytes());
        head.extend_from_slice(&self.image);
        head.extend_from_slice(&self.turn.to_le_bytes());
        head.extend_from_slice(&self.state.heap.memory_bytes.to_le_bytes());
        head.extend_from_slice(&self.state.heap.stack_pointer.to_le_bytes());
        head.extend_from_slice(&(sections as u32).to_le_bytes());
        head.extend_from_slice(&self.monotonic_ns.to_le_bytes());
        head.extend_from_slice(&self.random_position.to_le_bytes());
        head.extend_from_slice(&self.streak.weight().to_le_bytes());
        head.extend_from_slice(&0_u32.to_le_bytes());
        head
    }

    fn heap_sections(
        &self,
        image: &MemoryImage,
        hidden: &[RandomState],
    ) -> std::io::Result<Vec<Section>> {
        let sections = self.sections_of(image, hidden, Gaps::Kept)?;
        let runs = sections.iter().filter(|s| s.kind == KIND_PAGES).count();
        match runs > RUNS_MAX {
            true => self.sections_of(image, hidden, Gaps::Filled),
            false => Ok(sections),
        }
    }

    fn sections_of(
        &self,
        image: &MemoryImage,
        hidden: &[RandomState],
        gaps: Gaps,
    ) -> std::io::Result<Vec<Section>> {
        let mut lines = Lines::default();
        let mut pages = WholePages::default();
        let mut sections = Vec::new();
        self.state.heap.each_page(image, |number, page| {
            let shown = without(number, page, image, hidden);
            if gaps == Gaps::Filled {
                pages.fill(number, image);
                return pages.push(number, &shown, &mut sections);
            }
            let base = image.page(number);
            let changed = changed_lines(&shown, base);
            if changed.len() <= SPARSE_LINES_MAX {
                lines.push(number, &changed, &shown, base, &mut sections);
            } else {
                pages.push(number, &shown, &mut sections);
            }
        })?;
        lines.flush(&mut sections);
        pages.flush(&mut sections);
        Ok(sections)
    }
}

/// What becomes of unchanged pages between changed ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// They are left out.
    Kept,
    /// They are stored too: for a heap that is changed in so many places that
    /// each of them would be a section.
    Filled,
}

/// Pages that are stored whole, in runs of consecutive ones.
#[derive(Default)]
struct WholePages {
    first: u32,
    count: u32,
    bytes: Vec<u8>,
}

impl WholePages {
    fn push(&mut self, number: u32, page: &Page, sections: &mut Vec<Section>) {
        let joins = self.first.checked_add(self.count) == Some(number)
            && number / SECTION_PAGES == self.first / SECTION_PAGES;
        if !joins {
            self.flush(sections);
            self.first = number;
        }
        self.count += 1;
        self.bytes.extend_from_slice(page);
    }

    /// Lets the run go on to a page that could be part of its section.
    fn fill(&mut self, number: u32, image: &MemoryImage) {
        if self.count == 0 || number / SECTION_PAGES != self.first / SECTION_PAGES {
            return;
        }
        for page in self.first.saturating_add(self.count)..number {
            self.count += 1;
            self.bytes.extend_from_slice(image.page(page));
        }
    }

    fn flush(&mut self, sections: &mut Vec<Section>) {
        let count = std::mem::take(&mut self.count);
        if count > 0 {
            let bytes = std::mem::take(&mut self.bytes);
            sections.push(Section {
                kind: KIND_PAGES,
                first: self.first,
                count,
                bytes,
            });
        }
    }
}

impl Section {
    /// Writes the table's row; the contents go into the head when they are
    /// small once compressed and it has room, into a chunk otherwise.
    fn write(
        self,
        head: &mut Vec<u8>,
        inline: &mut Vec<u8>,
        chunks: &mut BTreeMap<[u8; 32], Vec<u8>>,
    ) -> Result<(), Error> {
        let compressed = (self.bytes.len() <= INLINE_BYTES_MAX * 8)
            .then(|| packed(&self.bytes))
            .transpose()
            .map_err(|e| Error::Snapshot(e.to_string()))?
            .filter(|bytes| {
                bytes.len() <= INLINE_BYTES_MAX
                    && inline.len() + bytes.len() <= INLINE_TOTAL_BYTES_MAX
            });
        let place = if compressed.is_some() {
            PLACE_INLINE
        } else {
            PLACE_CHUNK
        };
        head.extend_from_slice(&[self.kind, place, 0, 0]);
        head.extend_from_slice(&self.first.to_le_bytes());
        head.extend_from_slice(&self.count.to_le_bytes());
        head.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        match compressed {
            Some(bytes) => {
                let mut reference = [0; 32];
                let length = (bytes.len() as u32).to_le_bytes();
                if let Some(place) = reference.get_mut(..4) {
                    place.copy_from_slice(&length);
                }
                head.extend_from_slice(&reference);
                inline.extend_from_slice(&bytes);
            }
            None => {
                let digest = *blake3::hash(&self.bytes).as_bytes();
                head.extend_from_slice(&digest);
                chunks.entry(digest).or_insert(self.bytes);
            }
        }
        Ok(())
    }
}

/// Sparse changes: the numbers of lines, then each line XORed with the image.
#[derive(Default)]
struct Lines {
    numbers: Vec<u8>,
    contents: Vec<u8>,
    count: u32,
}

impl Lines {
    fn push(
        &mut self,
        page: u32,
        changed: &[u32],
        current: &Page,
        base: &[u8],
        sections: &mut Vec<Section>,
    ) {
        if self.count as usize + changed.len() > SECTION_LINES_MAX {
            self.flush(sections);
        }
        for &line in changed {
            self.numbers
                .extend_from_slice(&(page * LINES_PER_PAGE + line).to_le_bytes());
            let start = line as usize * LINE_BYTES;
            let current = current.iter().skip(start).take(LINE_BYTES);
            let base = base.iter().skip(start);
            self.contents
                .extend(current.zip(base).map(|(current, base)| current ^ base));
            self.count += 1;
        }
    }

    fn flush(&mut self, sections: &mut Vec<Section>) {
        if self.count > 0 {
            let mut bytes = std::mem::take(&mut self.numbers);
            bytes.append(&mut self.contents);
            let count = std::mem::take(&mut self.count);
            sections.push(Section {
                kind: KIND_LINES,
                first: 0,
                count,
                bytes,
            });
        }
    }
}

fn changed_lines(current: &Page, base: &[u8]) -> Vec<u32> {
    let lines = current
        .chunks_exact(LINE_BYTES)
        .zip(base.chunks_exact(LINE_BYTES));
    lines
        .enumerate()
        .filter(|(_, (current, base))| current != base)
        .map(|(line, _)| line as u32)
        .collect()
}

/// The page as the snapshot shows it: with the image's bytes where a
/// generator's state is left out.
fn without<'a>(
    number: u32,
    page: &'a Page,
    image: &MemoryImage,
    hidden: &[RandomState],
) -> Cow<'a, Page> {
    let start = number as usize * PAGE_BYTES;
    let end = start + PAGE_BYTES;
    let mut shown = Cow::Borrowed(page);
    for state in hidden {
        let words = state.words as usize..state.words as usize + RandomState::WORDS * 4;
        let position = state.position as usize..state.position as usize + 4;
        for range in [words, position] {
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from >= to {
                continue;
            }
            let (from, to) = (from - start, to - start);
            let base = image.page(number).get(from..to);
            if let (Some(target), Some(base)) = (shown.to_mut().get_mut(from..to), base) {
                target.copy_from_slice(base);
            }
        }
    }
    shown
}
