//! What a tool is: its description, its arguments and what it answers.

mod calling;
mod client;
mod error;
mod results;
mod values;

pub use calling::{CallContext, Tool, ToolFuture};
pub use client::{ClientTool, client_tool};
pub use error::ToolError;
pub use results::ResultCheck;
pub use values::{Answer, Arguments, PART_KEY, ToolSpec};
