//! From bytes to a snapshot. Nothing in the bytes is trusted: every number is
//! checked before it is used, and nothing is allocated that the bytes do not
//! pay for or the format does not bound.

use super::bounds::Bounds;
use super::format::*;
use super::packing::unpacked;
use super::saved::{Generators, Snapshot};
use crate::error::Error;
use crate::memory::MemoryImage;
use crate::platform::PAGE_BYTES;
use crate::state::{HeapState, Page, PageDelta, RestState, Streak};
use memex_filesystem::FileState;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A head that has been read, before its contents are.
struct Head<'a> {
    info: SnapshotInfo,
    image: [u8; 32],
    flags: u32,
    stack_pointer: i32,
    monotonic_ns: u64,
    random_position: u64,
    streak: Streak,
    sections: Vec<Row<'a>>,
}

/// A row of the table with its contents or their name.
struct Row<'a> {
    kind: u8,
    first: u32,
    count: u32,
    raw_bytes: usize,
    contents: Contents<'a>,
}

enum Contents<'a> {
    Inline(&'a [u8]),
    Chunk([u8; 32]),
}

/// Reads what a head says about itself.
///
/// # Errors
/// [`Error::Snapshot`] when the bytes are not a head of this format.
pub fn info(head: &[u8]) -> Result<SnapshotInfo, Error> {
    Ok(Head::read(head)?.info)
}

impl Snapshot {
    /// Decodes a head, asking `chunk` for the parts it names.
    pub(crate) fn decode_with(
        head: &[u8],
        (image, image_digest): (&MemoryImage, [u8; 32]),
        bounds: &Bounds,
        mut chunk: impl FnMut(&[u8; 32]) -> Result<Vec<u8>, Error>,
    ) -> Result<(Self, Generators), Error> {
        let head = Head::read(head)?;
        if head.image != image_digest {
            return Err(Error::ForeignSnapshot {
                wanted: short(&head.image),
                found: short(&image_digest),
            });
        }
        if head.info.memory_bytes < image.len() as u64 {
            return Err(bad("its memory is smaller than its image"));
        }
        bounds.check(head.info.memory_bytes, |kind| head.total(kind))?;
        let page_count = (head.info.memory_bytes / PAGE_BYTES as u64) as u32;
        let mut pages: BTreeMap<u32, Box<Page>> = BTreeMap::new();
        let mut files = Vec::new();
        for row in &head.sections {
            let bytes = row.bytes(&mut chunk)?;
            match row.kind {
                KIND_LINES => add_lines(&mut pages, &bytes, row.count, image, page_count)?,
                KIND_PAGES => add_pages(&mut pages, &bytes, row, page_count)?,
                _ => files.extend_from_slice(&bytes),
            }
        }
        let files = FileState::decode_within(&files, &bounds.files)
            .map_err(|e| Error::Snapshot(format!("its files: {e}")))?;
        let keep = head.flags & FLAG_GENERATORS != 0;
        let heap = HeapState {
            pages: Arc::new(saved(pages, image)),
            layers: Vec::new(),
            memory_bytes: head.info.memory_bytes,
            stack_pointer: head.stack_pointer,
        };
        let snapshot = Self {
            image: head.image,
            turn: head.info.turn,
            monotonic_ns: head.monotonic_ns,
            random_position: head.random_position,
            awaits_calls: head.flags & FLAG_AWAITS_CALLS != 0,
            streak: head.streak,
            state: RestState {
                heap,
                files,
                seeded: keep,
                current: true,
            },
        };
        Ok((
            snapshot,
            if keep {
                Generators::Keep
            } else {
                Generators::Fresh
            },
        ))
    }
}

impl<'a> Head<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(bad("it is larger than any snapshot"));
        }
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(bad("it does not begin as a snapshot does"));
        }
        let version = reader.u32()?;
        if version != FORMAT_VERSION {
            return Err(Error::Snapshot(format!(
                "it has format version {version}, and this memex reads version {FORMAT_VERSION}\nhint: use the memex that wrote it, or run the session again"
            )));
        }
        let body = bytes
            .len()
            .checked_sub(CHECKSUM_BYTES)
            .and_then(|length| bytes.split_at_checked(length));
        let (body, checksum) = body.ok_or_else(|| bad("it is cut off"))?;
        if blake3::hash(body).as_bytes() != checksum {
            return Err(bad("its checksum does not match: it is cut off or altered"));
        }
        let flags = reader.u32()?;
        let image = reader.digest()?;
        let turn = reader.u64()?;
        let memory_bytes = reader.u64()?;
        let stack_pointer = reader.u32()? as i32;
        let count = reader.u32()? as usize;
        let monotonic_ns = reader.u64()?;
        let random_position = reader.u64()?;
        // Zero in heads of before it was kept.
        let streak = Streak::of_weight(reader.u32()?);
        let reserved = reader.u32()?;
        if flags & !(FLAG_GENERATORS | FLAG_AWAITS_CALLS) != 0 || reserved != 0 {
            return Err(bad("it uses features that this version does not have"));
        }
        let streak = streak.ok_or_else(|| bad("its last turns ended as none can"))?;
        if turn > TURNS_MAX {
            return Err(bad("it has an impossible number of turns"));
        }
        if !memory_bytes.is_multiple_of(65536) || memory_bytes > 1 << 32 {
            return Err(bad("its memory has an impossible size"));
        }
        if count > SECTIONS_MAX || body.len() < HEADER_BYTES + count * SECTION_BYTES {
            return Err(bad("its table is cut off"));
        }
        let mut inline = Reader(
            body.get(HEADER_BYTES + count * SECTION_BYTES..)
                .unwrap_or(&[]),
        );
        let mut chunks = Vec::new();
        let mut sections = Vec::with_capacity(count);
        for _ in 0..count {
            let row = Row::read(&mut reader, &mut inline)?;
            if let Contents::Chunk(digest) = row.contents {
                chunks.push(digest);
            }
            sections.push(row);
        }
        if !inline.0.is_empty() {
            return Err(bad("it has bytes that belong to nothing"));
        }
        let info = SnapshotInfo {
            version,
            image: blake3::Hash::from_bytes(image).to_hex().to_string(),
            turn,
            memory_bytes,
            chunks,
        };
        Ok(Self {
            info,
            image,
            flags,
            stack_pointer,
            monotonic_ns,
            random_position,
            streak,
            sections,
        })
    }
}

impl Head<'_> {
    /// The bytes that all rows of a kind state.
    fn total(&self, kind: u8) -> u64 {
        let rows = self.sections.iter().filter(|row| row.kind == kind);
        rows.fold(0, |sum, row| sum.saturating_add(row.raw_bytes as u64))
    }
}

impl<'a> Row<'a> {
    fn read(table: &mut Reader<'a>, inline: &mut Reader<'a>) -> Result<Self, Error> {
        let head = table.take(4)?;
        let (first, count) = (table.u32()?, table.u32()?);
        let raw_bytes = table.u32()? as usize;
        let reference = table.digest()?;
        let (kind, place) = match head {
            [kind @ KIND_LINES..=KIND_FILES, place, 0, 0] => (*kind, *place),
            _ => return Err(bad("it has a part of an unknown kind")),
        };
        let right_size = match kind {
            KIND_LINES => {
                count as usize <= SECTION_LINES_MAX
                    && raw_bytes == count as usize * (4 + LINE_BYTES)
            }
            KIND_PAGES => count <= SECTION_PAGES && raw_bytes == count as usize * PAGE_BYTES,
            _ => raw_bytes <= CHUNK_BYTES_MAX,
        };
        if !right_size || raw_bytes == 0 {
            return Err(bad("a part has an impossible size"));
        }
        let contents = match place {
            PLACE_INLINE => {
                let [a, b, c, d, rest @ ..] = reference;
                if rest.iter().any(|&byte| byte != 0) {
                    return Err(bad("a part has a malformed row"));
                }
                Contents::Inline(inline.take(u32::from_le_bytes([a, b, c, d]) as usize)?)
            }
            PLACE_CHUNK => Contents::Chunk(reference),
            _ => return Err(bad("a part lies in an unknown place")),
        };
        Ok(Self {
            kind,
            first,
            count,
            raw_bytes,
            contents,
        })
    }

    fn bytes(
        &self,
        chunk: &mut impl FnMut(&[u8; 32]) -> Result<Vec<u8>, Error>,
    ) -> Result<Vec<u8>, Error> {
        let bytes = match &self.contents {
            Contents::Inline(bytes) => unpacked(bytes, self.raw_bytes)
                .map_err(|e| Error::Snapshot(format!("a part does not decompress: {e}")))?,
            Contents::Chunk(digest) => {
                let bytes = chunk(digest)?;
                if blake3::hash(&bytes).as_bytes() != digest {
                    return Err(bad("a chunk is not what its digest says"));
                }
                bytes
            }
        };
        if bytes.len() != self.raw_bytes {
            return Err(bad("a part does not have the size it states"));
        }
        Ok(bytes)
    }
}

/// The pages as differences to the image, where they have to be.
fn saved(pages: BTreeMap<u32, Box<Page>>, image: &MemoryImage) -> Vec<(u32, Arc<PageDelta>)> {
    let saved = pages.into_iter().map(|(number, page)| {
        let delta = match image.page_array(number) {
            Some(base) => PageDelta::between(&page, base),
            None => PageDelta::whole(&page),
        };
        (number, Arc::new(delta))
    });
    saved.collect()
}

fn add_lines(
    pages: &mut BTreeMap<u32, Box<Page>>,
    bytes: &[u8],
    count: u32,
    image: &MemoryImage,
    page_count: u32,
) -> Result<(), Error> {
    let (numbers, contents) = bytes
        .split_at_checked(count as usize * 4)
        .ok_or_else(|| bad("a part is cut off"))?;
    for (number, line) in numbers
        .chunks_exact(4)
        .zip(contents.chunks_exact(LINE_BYTES))
    {
        let number = Reader(number).u32()?;
        let page = number / LINES_PER_PAGE;
        if page >= page_count {
            return Err(bad("a line lies outside of memory"));
        }
        let entry = match pages.entry(page) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let base: &Page = image
                    .page(page)
                    .try_into()
                    .map_err(|_| bad("the image has an incomplete page"))?;
                entry.insert(Box::new(*base))
            }
        };
        let start = (number % LINES_PER_PAGE) as usize * LINE_BYTES;
        let target = entry.iter_mut().skip(start);
        for (byte, change) in target.zip(line) {
            *byte ^= change;
        }
    }
    Ok(())
}

fn add_pages(
    pages: &mut BTreeMap<u32, Box<Page>>,
    bytes: &[u8],
    row: &Row<'_>,
    page_count: u32,
) -> Result<(), Error> {
    if row
        .first
        .checked_add(row.count)
        .is_none_or(|end| end > page_count)
    {
        return Err(bad("a page lies outside of memory"));
    }
    for (number, page) in (row.first..).zip(bytes.chunks_exact(PAGE_BYTES)) {
        let page: &Page = page.try_into().map_err(|_| bad("a part is cut off"))?;
        if pages.insert(number, Box::new(*page)).is_some() {
            return Err(bad("it has a page twice"));
        }
    }
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| bad("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| bad("it is cut off"))
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn digest(&mut self) -> Result<[u8; 32], Error> {
        self.array()
    }
}

fn bad(reason: &str) -> Error {
    Error::Snapshot(reason.into())
}

fn short(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest)
        .to_hex()
        .as_str()
        .get(..16)
        .unwrap_or_default()
        .to_owned()
}
