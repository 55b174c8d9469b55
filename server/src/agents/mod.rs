//! Agents that run for clients: a task, a model that the operator chose, and a record.
//!
//! ```text
//!  operator's file ─► Catalogue ─┐
//!  request ─► Service ───────────┴─► a thread ─► Agent::run ─► trajectory on disk
//!                 │                      │ Watcher
//!  readers ◄──────┴── RunLog ◄───────────┘
//! ```
//! A run lives on a thread of its own, in a session of its own under the tenant's policy.
//! What happens in it goes to its log, which any number of readers follow, from any event
//! on; none of them holds it up. The end of a server cancels what runs.

mod catalogue;
mod counts;
mod log;
mod run;
mod runs;
mod settings;
mod telling;
mod told;

pub use catalogue::{Catalogue, OperatedAgent};
pub(crate) use counts::{Counts, Place};
pub(crate) use log::RunLog;
pub use log::{RunEvent, RunEvents};
pub(crate) use run::Run;
pub use run::{RunState, RunView};
pub(crate) use runs::Runs;
pub use settings::AgentSettings;
pub(crate) use telling::Telling;
pub(crate) use told::RunBody;
