//! The description of a guest, read from TOML and checked before use.

mod contents;
mod digests;
mod keys;
mod patches;
mod reading;
mod refusals;
mod rules;

pub use contents::{
    DataArchive, FileRole, FunctionExport, GuestFile, ImportGroup, Manifest, ModuleContract,
    Package, ShadowStackWrap,
};
pub use patches::{
    BytePatch, HexBytes, IndexingCall, NarrowingCall, NumberLoops, OffloadedFunctions,
};
