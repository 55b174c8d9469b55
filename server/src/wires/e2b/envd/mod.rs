//! Files, watchers and processes of a sandbox: what the daemon inside one answers
//! elsewhere, answered here by the service.

mod access;
mod changes;
mod download;
mod entries;
mod filesystem;
mod process;
mod processes;
mod routes;
mod upload;
mod watchers;
mod watching;

pub(super) use access::Access;
pub(super) use processes::Processes;
pub(super) use routes::router;
pub(super) use watchers::Watchers;
