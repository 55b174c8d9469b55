//! The numbers of the format. Each is pinned: a change is a new version.

/// Version of the format that this program writes.
pub const FORMAT_VERSION: u32 = 1;

pub(super) const MAGIC: [u8; 8] = *b"MEMEXSNP";
/// The generators' state is part of the snapshot.
pub(super) const FLAG_GENERATORS: u32 = 1;
/// Tasks of the snapshot await calls whose answers stay with its session.
pub(super) const FLAG_AWAITS_CALLS: u32 = 2;
pub(super) use crate::state::LINE_BYTES;
pub(super) const LINES_PER_PAGE: u32 = (crate::PAGE_BYTES / LINE_BYTES) as u32;
/// A page with more changed lines than this is stored whole.
pub(super) const SPARSE_LINES_MAX: usize = 32;
/// Most lines of one section.
pub(super) const SECTION_LINES_MAX: usize = 8192;
/// Pages of one section of whole pages. Sections begin at multiples of it, so
/// that an unchanged part of a heap is the same chunk turn after turn.
pub(super) const SECTION_PAGES: u32 = 64;
/// Sections up to this size are part of the head.
pub(super) const INLINE_BYTES_MAX: usize = 64 << 10;
/// Most bytes of all sections in a head, as they are there. With a full table it
/// is as long as a store takes.
pub(super) const INLINE_TOTAL_BYTES_MAX: usize = 8 << 20;
/// Most bytes of a chunk.
pub(super) const CHUNK_BYTES_MAX: usize = 1 << 20;
/// Most bytes of a head.
pub(super) const HEAD_BYTES_MAX: usize = 64 << 20;
/// Most sections of a snapshot: a full heap in whole pages, and its files.
pub(super) const SECTIONS_MAX: usize = 1 << 17;
/// Most turns of a session: counting on from there stays far from overflowing.
pub(super) const TURNS_MAX: u64 = 1 << 48;
/// Most runs of changed pages; beyond, what is between them is stored too. A
/// full heap that is stored so has fewer.
pub(super) const RUNS_MAX: usize = 1 << 15;

pub(super) const HEADER_BYTES: usize = 96;
pub(super) const SECTION_BYTES: usize = 48;
pub(super) const CHECKSUM_BYTES: usize = 32;

pub(super) const KIND_LINES: u8 = 0;
pub(super) const KIND_PAGES: u8 = 1;
pub(super) const KIND_FILES: u8 = 2;
pub(super) const PLACE_INLINE: u8 = 0;
pub(super) const PLACE_CHUNK: u8 = 1;

const _: () = assert!(FORMAT_VERSION == 1);
const _: () = assert!(MAGIC[0] == b'M' && MAGIC.len() == 8);
const _: () = assert!(FLAG_GENERATORS == 1 && FLAG_AWAITS_CALLS == 2);
const _: () = assert!(LINE_BYTES == 64 && LINES_PER_PAGE == 64);
const _: () = assert!(HEADER_BYTES == 8 + 4 + 4 + 32 + 8 + 8 + 4 + 4 + 8 + 8 + 4 + 4);
const _: () = assert!(SECTION_BYTES == 1 + 1 + 2 + 4 + 4 + 4 + 32);
const _: () = assert!(SECTION_PAGES as usize * crate::PAGE_BYTES <= CHUNK_BYTES_MAX);
const _: () = assert!((1 << 20) / SECTION_PAGES as usize <= RUNS_MAX);
const _: () = assert!(
    HEADER_BYTES + SECTIONS_MAX * SECTION_BYTES + INLINE_TOTAL_BYTES_MAX + CHECKSUM_BYTES
        <= 16 << 20
);
const _: () = assert!(SECTION_LINES_MAX * (4 + LINE_BYTES) <= CHUNK_BYTES_MAX);
const _: () = assert!(KIND_LINES == 0 && KIND_PAGES == 1 && KIND_FILES == 2);
const _: () = assert!(PLACE_INLINE == 0 && PLACE_CHUNK == 1);

/// What a head says of its snapshot, without its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Version of the format.
    pub version: u32,
    /// The name of the image: a BLAKE3 digest in hexadecimal.
    pub image: String,
    /// Turns the session had run.
    pub turn: u64,
    /// Size of the guest's linear memory, in bytes.
    pub memory_bytes: u64,
    /// Digests of the chunks that belong to it, in order.
    pub chunks: Vec<[u8; 32]>,
}
