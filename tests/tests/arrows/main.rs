//! What ARCHITECTURE.md says about crates, held against `cargo metadata` and
//! the sources: which crate may know which, and what may stand where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod circles;
mod crates;
mod dependencies;
mod documents;
mod duties;
mod lints;
mod packages;
mod sizes;
mod sources;
mod uses;
