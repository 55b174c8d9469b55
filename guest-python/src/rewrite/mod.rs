//! Making a guest's module ready for the runtime, and telling what it contains.
//!
//! ```text
//! bytes ── layout ──┬── inspect ──> ModuleInfo
//!                   └── rewrite ──> body (one function at a time, in parallel)
//!                                   patch (bytes of functions and of data)
//!                                   bulk, narrow (the appended functions)
//!                                   offload (work that the host does)
//!                                   segments, sections ──> Rewritten
//! ```
//!
//! Function indices never change: what is added is added at the end.

mod body;
mod bulk;
mod check;
mod floats;
mod index;
mod info;
mod inspect;
mod layout;
mod module;
mod names;
mod narrow;
mod offload;
mod options;
mod parallel;
mod patch;
mod sections;
mod segments;
mod wrap;

pub use bulk::BULK_CHUNK_BYTES;
pub use floats::FloatLoops;
pub use index::IndexCall;
pub use info::{ExportEntry, GlobalKind, ImportEntry, MemoryEntry, ModuleInfo};
pub use inspect::inspect;
pub use module::rewrite;
pub use names::FunctionNames;
pub use narrow::Narrowing;
pub use offload::{Offload, Sorted, Work};
pub use options::{GlobalExport, Report, RewriteOptions, Rewritten};
pub(crate) use patch::hex;
pub use patch::{Patch, Place};
pub use segments::Segment;
