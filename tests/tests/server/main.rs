//! The hosted backend over real HTTP, with a real engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod api;
mod bad_input;
mod client;
mod e2b_client;
mod e2b_code;
mod e2b_control;
mod e2b_files;
mod e2b_frames;
mod fairness;
mod files;
mod hostile;
mod leftovers;
mod lives;
mod narrowing;
mod opensandbox;
mod resident;
mod restarts;
mod states;
mod streams;
mod suspension;
mod tenancy;
mod turns;
mod world;
