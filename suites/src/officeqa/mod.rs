//! OfficeQA: questions over the bulletins of a treasury, in the form of the public benchmark.
//!
//! The questions and their answers are the benchmark's own and are not here: [`read_questions`]
//! reads its file, and [`grade`] grades as it does.

mod answers;
mod grading;
mod questions;

pub use grading::grade;
pub use questions::{parse_questions, read_questions};
