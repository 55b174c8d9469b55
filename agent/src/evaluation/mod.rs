//! Suites of tasks by agents: who answers how many, at which price.
//!
//! A [`Variant`] is a model in an action space. Every task of a suite is run by
//! every variant, graded, and kept as a line; [`summarise`] puts variants side
//! by side.

mod auditing;
mod documents;
mod grading;
mod judging;
mod summary;

pub use auditing::{Axis, Finding, Taxonomy, aggregation};
pub use documents::{document_tools, path_in_folder};
pub use grading::{Graded, Variant, grade_result, output_of};
pub use judging::judge;
pub use summary::{Standing, plot, summarise, table};
