//! Tools: functions of the host that guest code calls as typed Python
//! functions.
//!
//! ```text
//!  ToolSpec + Tool ──► Toolbox ──► Broker: HostCalls ──► a session
//! ```
//! A [`Tool`] says what it is by a [`ToolSpec`] and answers calls. Most are made
//! of a Rust function with [`function()`]. A [`Toolbox`] holds tools and turns
//! their schemas into Python. A [`Broker`] decides which calls of a session go
//! through, runs them, and records them in an [`AuditLog`].
//!
//! Tools that need a database engine are in `memex-sql`; those that speak to
//! processes, servers and the network are in `memex-external`.

mod ask_user;
mod audit;
mod broker;
mod error;
mod function;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod integers;
mod parts;
mod python;
mod table;
mod tool;
mod toolbox;
mod validation;

pub use ask_user::{UserQuestion, ask_user};
pub use audit::{AuditArguments, AuditDetail, AuditLog, AuditRecord, JsonLines, Outcome};
pub use broker::{
    AnswerError, Broker, BrokerBuilder, Budget, ClientAnswer, ClientCall, ClientCalls, HOLD,
    SAVED_CALLS_VERSION, SavedCalls, result_of,
};
pub use error::Error;
pub use function::{Blob, Function, NoArguments, function, immediate};
pub use integers::LargeInteger;
pub use memex_channel::TreeSize;
pub use memex_channel::tree::REQUEST_TREE_BYTES;
pub use python::{Definition, Form};
pub use table::{
    BinaryBuilder, BinaryValues, Column, ColumnType, Number, NumberBuilder, NumberType, Numbers,
    TABLE_KEY, TABLE_ROWS_MAX, Table, TextBuilder, Texts,
};
pub use tool::{
    Answer, Arguments, CallContext, ClientTool, PART_KEY, ResultCheck, Tool, ToolError, ToolFuture,
    ToolSpec, client_tool,
};
pub use toolbox::{
    SCHEMA_DEPTH_MAX, SCHEMA_NODES_MAX, SchemaProblem, TOOL_NAME_MAX_BYTES, TOOLBOX_TOOLS_MAX,
    ToolEntry, Toolbox, ToolboxBuilder, check_parameters, check_schema, mended, mended_parameters,
};
