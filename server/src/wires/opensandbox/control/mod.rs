//! The control plane: sandboxes and snapshots of the tenant whose key the request has.

mod create;
mod egress;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod life;
mod list;
mod request;
mod routes;
mod shapes;
mod snapshots;

pub(super) use egress::router as egress_router;
pub(super) use routes::router;
