//! The service over HTTP: the own API, and what all wires have in common.

mod auth;
mod body;
mod console;
mod docs;
mod logging;
mod operations;
mod own;
mod paying;
mod problem;
mod router;
mod server;

pub use router::router;
pub use server::{ServeOptions, bind, serve};
