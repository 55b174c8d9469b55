//! What an operator sees: figures, and who did what.

mod audit;
mod chain;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod histogram;
mod metrics;
mod outgoing;
mod pss;
pub mod traces;
pub mod webhooks;

pub(crate) use audit::{Audit, Event};
pub use chain::{Broken, Verified, verify};
pub use metrics::Metrics;
pub(crate) use metrics::Shown;
