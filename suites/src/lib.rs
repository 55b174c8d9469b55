//! Task suites for agents: questions whose answers are known, because the data
//! is generated from them.
//!
//! [`reading`] generates annual reports of fictitious companies; its questions
//! need their tables, footnotes and restatements. [`warehouse`] generates a
//! SQLite database of many related tables; its questions need joins. Both
//! depend only on their options and seed, as does [`bulletins`], which makes corpora of up to hundreds of
//! megabytes. [`officeqa`] reads the questions of a public benchmark and
//! grades as it does; [`passages`] is an index of a corpus of texts. A [`Task`] says how its answer is
//! graded, and [`grade`] does so.
//!
//! ```
//! use memex_suites::{Verdict, grade, reading};
//! use serde_json::json;
//!
//! let corpus = reading::generate(1, &reading::ReadingOptions::default());
//! let task = &corpus.tasks[0];
//! assert_eq!(grade(task, &task.answer)?, Verdict::Correct);
//! assert_ne!(grade(task, &json!("I do not know."))?, Verdict::Correct);
//! # Ok::<(), memex_suites::Error>(())
//! ```

pub mod bulletins;
mod error;
mod grading;
mod judge;
mod numbers;
pub mod officeqa;
pub mod passages;
mod random;
pub mod reading;
mod rules;
mod task;
mod verdict;
pub mod warehouse;

pub use error::Error;
pub use grading::grade;
pub use judge::{judge_prompt, parse_judgment};
pub use numbers::number_in;
pub use rules::Rules;
pub use task::{Grader, Task, parse_tasks, read_tasks, write_tasks};
pub use verdict::Verdict;
