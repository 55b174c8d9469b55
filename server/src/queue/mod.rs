//! Work that waits for a thread, shared fairly between tenants.

mod fair;
mod workers;

pub(crate) use workers::Workers;
