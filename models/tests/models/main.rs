//! What models do, seen from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod cassette;
mod config;
mod encoding;
mod estimates;
mod fixtures;
mod odd_servers;
mod prices;
mod protocols;
mod scripted;
mod sse;
