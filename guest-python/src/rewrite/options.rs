//! Options of a rewrite, and its result.

use super::floats::FloatLoops;
use super::index::IndexCall;
use super::info::GlobalKind;
use super::narrow::Narrowing;
use super::offload::Offload;
use super::patch::Patch;
use super::segments::Segment;

/// What to do to a module. The default exports globals and strips data
/// segments, as every rewrite does, and nothing more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RewriteOptions {
    /// Functions to export: the name in the name section, and the export's.
    pub exports: Vec<(String, String)>,
    /// The address of the interrupt flag. With it, every loop header and every
    /// tail call loads the four bytes there and traps (`unreachable`) unless
    /// they are 0. Nested recursion without any loop is not covered: only its
    /// depth is bounded, by the stack.
    pub interrupt_flag_address: Option<u32>,
    /// Functions that take this many bytes of shadow stack around their body,
    /// by their name in the name section.
    ///
    /// An exception that leaves such a function leaves the stack pointer
    /// lowered, as for any function with its own frame: the catching function
    /// restores the pointer from its own frame, and the host does so
    /// after a trap or an uncaught exception.
    pub wrap_shadow_stack: Vec<(String, u32)>,
    /// Bytes of functions and of data to be replaced.
    pub patches: Vec<Patch>,
    /// Calls that decide about a cast, to accept what fits into a pointer.
    pub narrowings: Vec<Narrowing>,
    /// Calls of the function that takes an index apart, to narrow the arrays in it.
    pub indexing: Vec<IndexCall>,
    /// Loops over numbers whose results are looked at.
    pub floats: Vec<FloatLoops>,
    /// Functions whose work the host does, on the guest's memory.
    pub offloads: Vec<Offload>,
    /// Whether `memory.copy` and `memory.fill` of more than
    /// [`BULK_CHUNK_BYTES`](super::BULK_CHUNK_BYTES) go in chunks with a look at
    /// the flag before each. Needs `interrupt_flag_address`.
    ///
    /// An operation out of bounds traps as before, having written nothing; one
    /// that is interrupted has written some of its chunks.
    pub chunk_bulk_memory: bool,
    /// Whether to keep the name section, for readable traps at the price of its
    /// size.
    pub keep_names: bool,
}

/// A rewritten module and what was taken out of it.
#[derive(Clone, Debug)]
pub struct Rewritten {
    /// The module, without data segments.
    pub wasm: Vec<u8>,
    /// The data segments, to be written to memory before `_initialize`.
    pub segments: Vec<Segment>,
    /// The mutable globals, all exported now.
    pub globals: Vec<GlobalExport>,
    /// The size memory starts with, in 64 KiB pages.
    pub memory_minimum_pages: u64,
    /// Counts that were made on the way.
    pub report: Report,
}

/// A mutable global and the name it is exported under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalExport {
    /// Its index in the module.
    pub index: u32,
    /// Its export: `memex_global_` and the index.
    pub export: String,
    /// The type of its value.
    pub kind: GlobalKind,
}

/// What a rewrite met in a module's functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Functions with a body, before any were added.
    pub functions: u64,
    /// Loop headers, each with a check of the flag if there is one.
    pub loops: u64,
    /// Tail calls, each with a check of the flag if there is one.
    pub tail_calls: u64,
    /// `memory.copy` and `memory.fill` operations replaced by a call.
    pub bulk_replaced: u64,
    /// Such operations left alone: with a constant length of one chunk at most,
    /// or because they were not to be replaced.
    pub bulk_kept: u64,
    /// Functions wrapped to take shadow stack.
    pub wrapped: u64,
}

impl Report {
    /// Adds the counts of another part of the module.
    pub(super) fn add(&mut self, other: &Self) {
        self.functions += other.functions;
        self.loops += other.loops;
        self.tail_calls += other.tail_calls;
        self.bulk_replaced += other.bulk_replaced;
        self.bulk_kept += other.bulk_kept;
        self.wrapped += other.wrapped;
    }
}
