//! Attacks of guest code on the host, each shown to have run.

mod access;
mod corruption;
mod dispatcher;
mod hooks;
mod host_calls;
mod leaks;
mod memory;
mod natives;
mod panics;
mod questions;
mod resident;
mod sparing;
