//! The code interpreter: blocks, their output as it comes, and contexts.

mod contexts;
mod execute;
mod lines;
mod routes;

pub(super) use routes::router;
