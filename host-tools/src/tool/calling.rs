//! Calling a tool.

use super::client::ClientTool;
use super::error::ToolError;
use super::values::{Answer, Arguments, ToolSpec};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a tool knows of the call it answers.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// The session that calls.
    pub session: Arc<str>,
    /// When the call is given up at the latest.
    pub deadline: Instant,
    /// Cancelled when the turn is interrupted, the caller gives up, or the time
    /// is over. The future is dropped too; this is for work it handed on.
    pub cancelled: CancellationToken,
}

/// The answer to come.
pub type ToolFuture = BoxFuture<'static, Result<Answer, ToolError>>;

/// A function of the host that guest code can call.
///
/// The future is polled inside a tokio runtime. Work that blocks belongs on
/// `tokio::task::spawn_blocking`; a tool that answers at once does so on the
/// session's own thread, without a hop.
pub trait Tool: Send + Sync + 'static {
    /// What the tool is.
    fn spec(&self) -> &ToolSpec;

    /// Answers one call. The arguments have been checked against the schema.
    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture;

    /// The tool as one that the other side of the API runs, if it is one. Only
    /// [`ClientTool`] is.
    fn client(&self) -> Option<&ClientTool> {
        None
    }
}

impl Tool for ClientTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _context: CallContext, _arguments: Arguments) -> ToolFuture {
        let message = format!(
            "{}: this session has nobody who answers calls of client tools",
            self.spec.name
        );
        Box::pin(std::future::ready(Err(ToolError::new(
            "RuntimeError",
            message,
        ))))
    }

    fn client(&self) -> Option<&ClientTool> {
        Some(self)
    }
}
