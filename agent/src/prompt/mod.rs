//! What a model is told before it begins.
//!
//! ```text
//!  toolbox ──► own (submit, llm, spawn_agent …: always whole) ─┐
//!          ──► functions (whole, or short past a budget) ──────┼─► system ──► message
//!  scope, inputs ──► described ────────────────────────────────┘
//!          ──► definitions ──► the tools of a request
//! ```

mod call_names;
mod definitions;
mod functions;
mod guidance;
mod own;
mod shapes;
mod system;

pub(crate) use call_names::CallNames;
pub use definitions::definitions;
pub(crate) use definitions::recorded;
pub(crate) use system::CHILD;
pub use system::system_prompt;
