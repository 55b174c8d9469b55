//! Suites of tasks by agents: who answers how many, at which price.
//!
//! A [`Variant`] is a model in an action space. Every task of a suite is run by
//! every variant, graded, and kept as a line; [`summarise`] puts variants side
//! by side.

mod auditing;
mod comparing;
mod corpus;
mod documents;
mod grading;
mod judging;
mod repeating;
mod summary;

pub use auditing::{Axis, Finding, Taxonomy, aggregation, aggregation_of_summaries};
pub use comparing::{Difference, Gap, difference_table, differences};
pub use corpus::TextCorpus;
pub use documents::{document_tools, path_in_folder};
pub use grading::{Graded, Variant, grade_result, output_of};
pub use judging::judge;
pub use repeating::{Repeated, most_given, repeated, repeated_table};
pub use summary::{Standing, bars, by_tag, plot, summarise, table};
