//! What an operator sees: figures, and who did what.

mod audit;
mod histogram;
mod metrics;
mod pss;

pub(crate) use audit::{Audit, Event};
pub use audit::{Broken, verify};
pub use metrics::Metrics;
pub(crate) use metrics::Shown;
