//! The command's contract: statuses, streams and JSON that programs rely on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod agent;
mod bad_input;
mod cache;
mod interrupts;
mod json;
mod memex;
mod saved;
mod tools;
mod turns;
