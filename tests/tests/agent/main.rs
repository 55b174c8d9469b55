//! Agents in sessions: the loop in both spaces, what a model may do wrong, live
//! scope, answers, spawned agents, resuming, worker processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod answers;
mod bad_input;
mod baselines;
mod beginnings;
mod children;
mod continuing;
mod handing_over;
mod inputs;
mod limits;
mod loops;
mod names;
mod parallel;
mod resident;
mod resuming;
mod seeing;
mod support;
mod workers;
