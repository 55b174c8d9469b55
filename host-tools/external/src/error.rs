//! Why tools from outside cannot be set up.

use std::path::PathBuf;

/// Why a tool file, a definition or a server is refused at start-up.
///
/// Nothing here happens during a call: a call's failures are
/// [`ToolError`](memex_host_tools::ToolError)s.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutsideError {
    /// A file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A text is longer than is read.
    #[error("{origin}: {bytes} bytes are too many; the maximum is {maximum}")]
    TooLong {
        /// The file.
        origin: String,
        /// Its length, or more.
        bytes: u64,
        /// The bound.
        maximum: u64,
    },
    /// A text is neither TOML nor JSON, as its name promises.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file.
        origin: String,
        /// What the parser says, with the place.
        message: String,
    },
    /// A declaration says something that cannot be.
    #[error("{place}: {reason}")]
    Declaration {
        /// The file, the tool and the field.
        place: String,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// A schema is wrong.
    #[error("{place}: wrong schema: {reason}")]
    Schema {
        /// The file and the tool.
        place: String,
        /// Where in the schema, and what is wrong.
        reason: String,
    },
    /// A secret is unknown or cannot be protected.
    #[error("{place}: the secret `{name}` {reason}")]
    Secret {
        /// The file and the tool.
        place: String,
        /// The secret's name, never its value.
        name: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// An MCP server does not start or does not list its tools.
    #[error("{place}: {reason}")]
    Server {
        /// The file and the server.
        place: String,
        /// What happened.
        reason: String,
    },
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {reason}")]
    Client {
        /// What happened.
        reason: String,
    },
}
