//! The own API.

mod agents;
mod answers;
mod described;
mod files;
mod memories;
mod model;
mod routes;
mod sandboxes;
mod states;
mod turns;
mod variables;

pub(super) use described::described;
pub(super) use routes::router;
