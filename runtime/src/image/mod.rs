//! Images: what sessions start from, how they are built, kept and loaded.
//!
//! ```text
//! guest files ─fetch─► rewrite ─► compile ─► boot ─► warm ─► capture ─► self-test
//!                         └────── code entry ──────┘   └───── image entry ─────┘
//! packages ─fetch─► unpack ──────────────────────► boot, and every session
//! ```
//! Code and memory are separate entries of the cache, each under a key over
//! everything that it depends on: another preload list costs a boot, not a
//! compilation. Memory is named by what it is, and travels between machines
//! ([`ImageStore`]); code is for one kind of processor.

mod build;
mod builder;
mod cache;
mod cache_secret;
mod calibration;
mod code;
mod codes;
mod compile;
mod description;
mod details;
mod entry;
mod files;
mod library;
mod listing;
mod loaded;
mod loading;
mod map;
mod packages;
mod places;
mod progress;
mod proof;
mod pruning;
mod removal;
mod secret;
mod self_test;
mod shelf;
mod spec;
mod store;
mod travel;

pub use cache::Cache;
#[cfg(feature = "fuzzing")]
pub use entry::check_record;
pub use listing::CachedImage;
pub use loaded::Image;
pub use places::ImagePlaces;
pub use progress::{NoProgress, Progress, Stage};
pub use pruning::StaleEntry;
pub use removal::RemovedImage;
pub use secret::ImageSecret;
pub use spec::ImageSpec;
#[cfg(feature = "fuzzing")]
pub use travel::check_document;
pub use travel::{
    CodeSource, ImageStore, PullOptions, Pulled, PushOptions, Pushed, PushedCode, StoreError,
    TrustCode,
};

pub(crate) use code::LoadedCode;
#[cfg(test)]
pub(crate) use compile::compatibility;
pub(crate) use map::{GuestMap, RandomState};
