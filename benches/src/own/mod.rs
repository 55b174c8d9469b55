//! Turns of one's own: measured on sessions, or read from the records of agents.

mod measured;
mod measuring;
mod recorded;

pub use measured::{TurnMeasured, failure_of};
pub use measuring::{TurnBench, TurnPlan, TurnWatch};
pub use recorded::{RecordedTurn, recorded_figures, turns_of};
