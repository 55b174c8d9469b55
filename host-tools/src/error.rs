//! What can be wrong with tools before anybody calls them, and with tables.

use crate::ToolError;

/// Why a toolbox or a table cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A tool has a name that cannot be granted or called.
    #[error("a tool cannot be called {name:?}: {reason}")]
    ToolName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two tools of one toolbox have the same name.
    #[error("the toolbox has two tools called `{name}`; rename or remove one of them")]
    DuplicateTool {
        /// The name of both.
        name: String,
    },
    /// A schema of a tool cannot be used.
    #[error("the {which} schema of the tool `{tool}` cannot be used: at {at}: {reason}")]
    Schema {
        /// The tool.
        tool: String,
        /// `parameters` or `returns`.
        which: &'static str,
        /// A JSON pointer into the schema.
        at: String,
        /// What is wrong there.
        reason: String,
    },
    /// A toolbox has more tools than it may.
    #[error("the toolbox has more than {max} tools; split it")]
    TooManyTools {
        /// Most tools of a toolbox.
        max: usize,
    },
    /// The columns of a table do not fit together, or are not what they say.
    #[error("the table cannot be used: column {column:?}: {reason}")]
    Table {
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value is not a table at all.
    #[error("the value is not a table: {reason}")]
    NotATable {
        /// What is wrong with it.
        reason: String,
    },
    /// Open calls of a saved session cannot be gone on with.
    #[error("the open calls of the saved session cannot be used: {reason}")]
    SavedCalls {
        /// What is wrong.
        reason: String,
    },
    /// The file of an audit log cannot be opened.
    #[error("the audit log {path} cannot be opened: {reason}")]
    AuditFile {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        Self::new("ValueError", error.to_string())
    }
}
