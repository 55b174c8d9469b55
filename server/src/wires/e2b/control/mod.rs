//! The control plane: sandboxes and snapshots of the tenant whose key the request has.

mod create;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod life;
mod list;
mod metrics;
mod refused;
mod request;
mod routes;
mod shapes;
mod states;

pub(super) use routes::router;
