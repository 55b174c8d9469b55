//! Agents on a memory: the loop, its results, the benchmark, the server and the
//! commands, with scripted models.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bench;
mod blocks;
mod commands;
mod desk;
mod golden;
mod imports;
mod killed;
mod loops;
mod mcp;
#[path = "../command/memex.rs"]
mod memex;
mod processes;
mod rollouts;
mod standin;
mod terminal;
mod walkthrough;
