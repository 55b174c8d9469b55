//! Asking a person before a tool is called.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use memex_host_tools::{Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use serde_json::{Map, Value};

/// Decides on calls of the tools in
/// [`AgentConfig::approve`](crate::AgentConfig). Serves both spaces alike.
pub trait Approver: Send + Sync + 'static {
    /// Decides on a call: `Err` refuses it, with the reason for the model. Ten
    /// minutes are given for that, beside the call's own time.
    fn approve(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> BoxFuture<'static, Result<(), String>>;
}

/// A tool that asks first.
struct Approved {
    tool: Arc<dyn Tool>,
    approver: Arc<dyn Approver>,
}

/// How much longer a call may take that a person is asked about first.
pub(crate) const APPROVAL_MAX: Duration = Duration::from_secs(600);

/// Whether one of the patterns names a tool.
pub(crate) fn is_named(tool: &str, patterns: &[String]) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => tool.starts_with(prefix),
            None => tool == pattern,
        })
}

/// The tool, asking first if one of the patterns names it.
pub(crate) fn approved(
    tool: Arc<dyn Tool>,
    patterns: &[String],
    approver: Option<&Arc<dyn Approver>>,
) -> Arc<dyn Tool> {
    if !is_named(&tool.spec().name, patterns) {
        return tool;
    }
    let approver = approver.map_or_else(|| Arc::new(Nobody) as Arc<dyn Approver>, Arc::clone);
    Arc::new(Approved { tool, approver })
}

impl Tool for Approved {
    fn spec(&self) -> &ToolSpec {
        self.tool.spec()
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        let name = self.spec().name.clone();
        let asked = self.approver.approve(&name, arguments.json.clone());
        let tool = Arc::clone(&self.tool);
        async move {
            match asked.await {
                Ok(()) => tool.call(context, arguments).await,
                Err(reason) => {
                    let message = format!("{name}: the call was not approved: {reason}");
                    Err(ToolError::new("PermissionError", message))
                }
            }
        }
        .boxed()
    }
}

/// No approver: every such call is refused.
struct Nobody;

impl Approver for Nobody {
    fn approve(&self, _: &str, _: Map<String, Value>) -> BoxFuture<'static, Result<(), String>> {
        std::future::ready(Err("no approver is configured".to_owned())).boxed()
    }
}
