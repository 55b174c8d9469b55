//! The hosted backend over real HTTP, with a real engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod agents;
mod api;
mod bad_input;
mod client;
mod console;
mod e2b_client;
mod e2b_code;
mod e2b_control;
mod e2b_files;
mod e2b_frames;
mod fairness;
mod files;
mod hosted;
mod hostile;
mod ledger;
mod leftovers;
mod lives;
mod narrowing;
mod opensandbox;
mod reconfiguring;
mod resident;
mod restarts;
mod states;
mod streams;
mod suspension;
mod tenancy;
mod tls;
mod traces;
mod turns;
mod webhooks;
mod world;
