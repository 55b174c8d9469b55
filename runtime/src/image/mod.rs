//! Images: what sessions start from, how they are built, kept and loaded.
//!
//! ```text
//! guest files ─fetch─► rewrite ─► compile ─► boot ─► warm ─► capture ─► self-test
//!                         └────── code entry ──────┘   └───── image entry ─────┘
//! packages ─fetch─► unpack ──────────────────────► boot, and every session
//! ```
//! Code and memory are separate entries of the cache, each under a key over
//! everything that it depends on: another preload list costs a boot, not a
//! compilation.

mod build;
mod cache;
mod calibration;
mod code;
mod entry;
mod map;
mod packages;
mod places;
mod progress;
mod pruning;
mod self_test;
mod spec;
mod store;

pub use cache::{Cache, CachedImage};
pub use entry::check_record;
pub use places::ImagePlaces;
pub use progress::{NoProgress, Progress, Stage};
pub use pruning::StaleEntry;
pub use spec::ImageSpec;
pub use store::Image;

pub(crate) use code::LoadedCode;
pub(crate) use map::{GuestMap, RandomState};
