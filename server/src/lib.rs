//! Sandboxes for other programs.
//!
//! ```text
//!  http ─► own API ─┐
//!          wires ───┴─► Service ─► queue (fair) ─► threads ─► sessions ─► store
//!                         │ tenants, keys, quotas                ▲
//!                         └ sweeper: idle, lifetimes ────────────┘
//! ```
//! A [`Service`](service::Service) keeps the sandboxes of tenants: it makes, runs, forks, saves and ends
//! them, in plain Rust. The own API and the wires of other programs' clients translate
//! HTTP to it, and decide nothing.
//!
//! Invariants:
//! - A sandbox is asked for by a tenant. What is another tenant's is not found.
//! - A turn is saved before it is acknowledged, unless it was asked for with
//!   [`Durability::Memory`](sandbox::Durability::Memory).
//! - A sandbox is live, asleep, paused, or gone for a reason that is known for a day.

pub mod agents;
mod clock;
pub mod config;
pub mod error;
mod files;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
mod json;
pub mod keys;
mod ledger;
pub mod names;
pub mod operations;
mod pieces;
mod queue;
mod random;
pub mod sandbox;
pub mod service;
pub mod tenants;
pub mod turns;
mod wires;
