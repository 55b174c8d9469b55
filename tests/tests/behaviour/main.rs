//! What sessions do, through the public API: a module for each feature.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod blocks;
mod data;
mod displays;
mod environment;
mod errors;
mod escapes;
mod exits;
mod files;
mod limits;
mod natives;
mod numbers;
mod output;
mod previews;
mod resident;
mod scope;
mod scripts;
mod sessions;
mod shims;
mod tools;
mod waiting;
