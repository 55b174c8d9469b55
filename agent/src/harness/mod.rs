//! The tools that a run adds to its toolbox, and the harness's own calls.
//!
//! ```text
//!  guest ── tool call ──────────────────────► Broker ── permission ──► tool
//!        ── harness call (OP_AGENT) ──► HarnessCalls ─┘
//!        ── question (resolve) ───────► HarnessCalls ──► Broker, sources marked
//! ```

mod board;
mod calls;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod interpreter;
mod output;
mod submission;

pub use board::Board;
pub(crate) use calls::{HarnessCalls, Inputs, WAIT_TOOL};
pub(crate) use interpreter::{INTERPRETER_MAX, InterpreterTool, OpenScope, PYTHON_EXEC};
pub use output::{Check, OutputSchema};
pub(crate) use output::{SUBMIT, Uncalled, compiled};
pub(crate) use submission::SubmitTool;
pub use submission::{Objects, Submission, SubmissionSlot};
