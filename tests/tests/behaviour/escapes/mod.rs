//! Attacks of guest code on the host, each shown to have run.

mod access;
mod corruption;
mod dispatcher;
mod host_calls;
mod leaks;
mod memory;
mod resident;
