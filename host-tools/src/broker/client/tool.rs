//! The description of a client tool.

use crate::tool::{Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use crate::validation::Validator;
use serde_json::Value;
use std::sync::OnceLock;

/// A tool that the other side of the API runs: a function of a client, a question to a
/// person, anything whose answer is handed in by [`ClientCalls`](super::ClientCalls).
#[derive(Debug)]
pub struct ClientTool {
    spec: ToolSpec,
    returns: OnceLock<Option<Validator>>,
}

/// A client tool of this description. Its timeout has no effect: a call stays open until
/// it is answered or its turn ends.
#[must_use]
pub fn client_tool(spec: ToolSpec) -> ClientTool {
    ClientTool {
        spec,
        returns: OnceLock::new(),
    }
}

impl ClientTool {
    /// Whether a value is what the tool says it returns.
    ///
    /// # Errors
    /// Names the tool and the place in the value.
    pub(in crate::broker) fn check(&self, value: &Value) -> Result<(), ToolError> {
        let compile = || {
            let schema = self.spec.returns.as_ref()?;
            // The toolbox has checked its shape; a schema that cannot be compiled all the
            // same checks nothing, as for tools that the host runs.
            Validator::compile(schema).ok()
        };
        match self.returns.get_or_init(compile) {
            Some(validator) => validator.check(&self.spec.name, value),
            None => Ok(()),
        }
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
