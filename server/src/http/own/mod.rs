//! The own API.

mod answers;
mod files;
mod model;
mod routes;
mod sandboxes;
mod states;
mod turns;

pub(super) use routes::{Description, router};
