//! Running the code of models, and its results.

mod policy;
mod result;
mod scope;
mod scratchpad;
mod traceback;
mod tracking;
mod warnings;
mod workplace;

pub use policy::{TOOL_NAMES, policy};
pub use result::render;
pub(crate) use result::{nothing, notice};
pub(crate) use scope::MemoryScope;
pub use scratchpad::{Assigned, BlockOutcome, Changed, Scratchpad};
pub use workplace::Workplace;
