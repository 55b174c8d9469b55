//! HTTP from a session: real servers on loopback, under names that a scripted
//! resolver knows and through a dialer that never leaves this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod addresses;
mod environment;
mod fetch;
mod limits;
mod properties;
mod redirects;
mod requests;
mod rules;
mod secrets;
mod servers;
mod tls;
mod world;
