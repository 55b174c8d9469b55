//! The figures by which memex's performance is tracked: their names, their
//! measurement, and the comparison of two sets.
//!
//! ```text
//!   Context (image, machine) ──┐
//!   select(names) ─► [Entry] ──┴─► run ──► Event, Event, …  ──► Figure
//!                                          compare(base, new) ──► ratios
//! ```
//! A figure is a distribution over many readings, without the warm-up. Absolute
//! times are valid for one machine at one moment; ratios of figures from one run
//! are comparable between machines.
//!
//! One file under `figures/` holds figures of one group. A new group is a file and
//! a line in `figures/mod.rs`.

mod comparison;
mod context;
mod entry;
mod error;
mod figure;
mod figures;
mod machine;
mod own;
mod process_memory;
mod python_suite;
mod statistics;
mod suite;

pub use comparison::{Comparison, Sets, Verdict, compare};
pub use context::{Context, FirstTurn, ServerCommand};
pub use entry::{Better, Entry, Measured};
pub use error::Error;
pub use figure::Figure;
pub use figures::figures;
pub use machine::Machine;
pub use own::{
    RecordedTurn, TurnBench, TurnMeasured, TurnPlan, TurnWatch, failure_of, recorded_figures,
    turns_of,
};
pub use statistics::{Readings, Summary, geometric_mean};
pub use suite::{Event, run, select};
