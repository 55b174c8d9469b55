//! Tools from outside, with real processes and servers on loopback as peers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod definitions;
mod endpoints;
mod files;
mod odd_servers;
mod server_endpoints;
mod server_streams;
mod servers;
mod support;
