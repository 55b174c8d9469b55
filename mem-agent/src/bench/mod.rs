//! Benchmarks of memory agents: tasks in four categories, judged.

mod episode;
mod judge;
mod report;
mod run;
mod scores;
mod tasks;

pub use episode::{Graded, Setup};
pub(crate) use episode::{Place, work};
pub use judge::{Judge, Judgment, Verdict};
pub use memex_suites::Rules;
pub use report::write;
pub use run::run;
pub use scores::{Score, cost_usd, scores, table};
pub use tasks::{Category, Task, TaskFolder, read};
