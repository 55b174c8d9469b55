//! The command's contract: statuses, streams and JSON that programs rely on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod agent;
mod bad_input;
mod bench_turns;
mod cache;
mod disturbed;
mod dspy;
mod egress;
mod image_store;
mod images;
mod interrupts;
mod json;
mod killed;
mod machine;
mod mcp;
mod mcp_clients;
mod memex;
mod packages;
mod peers;
mod prompt;
mod proving;
mod removal;
mod resident;
mod saved;
mod serve;
mod shared;
mod small;
mod steering;
mod tools;
mod travel;
mod turns;
