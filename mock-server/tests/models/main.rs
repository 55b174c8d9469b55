//! Models against the server, over real connections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod fixtures;
mod protocols;
mod splitting;
mod transport;
