//! What this crate promises, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bulk;
mod contract;
mod fetch;
mod floats;
mod guest;
mod index;
mod interrupt;
mod manifest;
mod narrow;
mod offload;
mod packages;
mod patch;
mod rewrite;
mod wrap;
