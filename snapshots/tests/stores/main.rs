//! The stores, through their public interface.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod children;
mod collection;
mod common;
mod conformance;
mod corruption;
mod crash;
mod disks;
mod golden;
mod images;
mod journaled;
mod locations;
mod lying;
mod races;
mod records;
mod remote;
