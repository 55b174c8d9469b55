//! `memex agent` as a user types it, with models that play scripts.

mod applications;
mod bad_usage;
mod batches;
mod benchmarks;
mod evaluation;
mod running;
mod stopping;
pub(crate) mod support;
mod workers;

pub(crate) use support::{Bench, runs, says};
