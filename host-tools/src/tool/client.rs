//! The description of a client tool.

use super::error::ToolError;
use super::values::ToolSpec;
use crate::validation::Validator;
use serde_json::Value;
use std::sync::OnceLock;

/// A tool that the other side of the API runs: a function of a client, a question to a
/// person, anything whose answer is handed in by
/// [`ClientCalls`](crate::ClientCalls).
#[derive(Debug)]
pub struct ClientTool {
    pub(super) spec: ToolSpec,
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
    pub(crate) fn check(&self, value: &Value) -> Result<(), ToolError> {
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
