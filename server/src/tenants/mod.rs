//! Tenants: who the sandboxes belong to, and how much each may use.

mod bodies;
mod inflight;
mod principal;
mod quota;
mod tenant;
mod usage;

pub(crate) use bodies::HeldBody;
pub(crate) use inflight::InFlight;
pub use principal::{Principal, Scope, Scopes};
pub use quota::Quota;
pub use tenant::Tenant;
pub(crate) use tenant::{LIFETIME, LIFETIME_MAX};
