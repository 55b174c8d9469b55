//! Toolboxes, the broker, tables and generated Python, through the public API.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admission;
mod ask_user;
mod audit;
mod awaited;
mod frames;
mod paths;
mod plain;
mod python;
mod questions;
mod restoring;
mod support;
mod tables;
mod texts;
mod toolboxes;
