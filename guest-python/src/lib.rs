//! The Python guest: its contents, fetching it, and preparing its module for the
//! runtime.
//!
//! - A [`Manifest`] describes one build of CPython for WebAssembly: the package
//!   it comes in, the digests of its files, its imports and exports, the
//!   addresses the host relies on. [`Manifest::default_guest`] is the one
//!   shipped here.
//! - [`fetch`] gets its files through the Python package client, checks them
//!   against the manifest and keeps them in a private folder; [`locate`] finds
//!   them again cheaply, and [`verify`] hashes them all.
//! - [`fetch_standard`] fetches the pure-Python packages that a manifest pins,
//!   [`resolve_packages`] others that are added to an image, and [`unpack_packages`]
//!   unpacks their wheels.
//! - [`inspect`] lists the contents of a module, [`Manifest::check`] checks that
//!   its state can be saved, and [`rewrite`] gives it interruptible loops,
//!   exported state and functions, and no data segments.
//!
//! Nothing here runs a module: this crate knows bytes and files, no engine.

mod contract;
mod digest;
mod error;
mod fetch;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod manifest;
mod packages;
mod pip;
mod rewrite;
mod sources;

pub use digest::Sha256Digest;
pub use error::Error;
pub use fetch::{
    FetchOptions, FetchProgress, FetchStage, GuestFiles, LOCK_FILE, fetch, locate, verify,
};
pub use manifest::{
    BytePatch, DataArchive, FileRole, FunctionExport, GuestFile, HexBytes, ImportGroup,
    IndexingCall, Manifest, ModuleContract, NarrowingCall, NumberLoops, OffloadedFunctions,
    Package, ShadowStackWrap,
};
pub use packages::{
    PACKAGES_GUEST_PATH, Requirement, Unpacked, Wheel, check_packages, compare_packages,
    fetch_standard, resolve_packages, unpack_packages,
};
pub use pip::is_for_package_client;
pub use rewrite::{
    BULK_CHUNK_BYTES, ExportEntry, FloatLoops, FunctionNames, GlobalExport, GlobalKind,
    ImportEntry, IndexCall, MemoryEntry, ModuleInfo, Narrowing, Offload, Patch, Place, Report,
    RewriteOptions, Rewritten, Segment, Sorted, Work, inspect, rewrite,
};
pub use sources::{BOOTSTRAP, IMMORTALS, PYTHON_SOURCES, SITUATIONS};
