//! The Agent Trajectory Interchange Format, version 1.7: read from 1.0 on,
//! written as 1.7.
//!
//! A model's step becomes a step of the source `agent`; what its code or its
//! tools gave becomes that step's observation. A block of code becomes a call
//! of the function `python`. Nested children become
//! `subagent_trajectories`, children in files references with a path. What
//! ATIF has no field for stands under `extra.memex`, so that a trajectory
//! comes back from ATIF as it went.

mod document;
mod reading;
mod validation;
mod writing;

pub use document::ATIF_VERSION;
pub use reading::parse;
pub use writing::{to_document, to_line};
