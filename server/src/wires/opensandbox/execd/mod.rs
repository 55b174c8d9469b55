//! The daemon of a sandbox: code and contexts, files, commands.

mod access;
mod code;
mod commands;
mod contexts;
mod events;
mod files;
mod folders;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod glob;
mod metrics;
mod routes;
mod shapes;
mod transfer;

pub(super) use access::Access;
pub(super) use routes::router;
