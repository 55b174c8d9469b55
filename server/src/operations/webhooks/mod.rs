//! Telling other programs what happens to sandboxes.
//!
//! ```text
//!  Service ─ notice ─► a bounded queue for each target ─► signed POST ─► egress gate
//!                        full: dropped and counted           └ not 2xx: again, later
//! ```
//! A notice is delivered at least once while the process lives: a target tells repeats apart
//! by the notice's id. Notices of one target come in order. Nothing waits for a target.

mod delivery;
mod notice;
mod settings;
mod signature;

pub(crate) use delivery::Webhooks;
pub(crate) use notice::{Kind, Notice};
pub use settings::{WebhookSettings, WebhookTarget};
