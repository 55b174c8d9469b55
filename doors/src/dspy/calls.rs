//! The host tool by which code calls tools of the client.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::wire::{self, Wire};

/// What the guest calls it.
pub(super) const TOOL_NAME: &str = "dspy_call";
/// A tool may ask a model, or a person.
const TIME: Duration = Duration::from_hours(1);

/// Calls tools of the client, one at a time.
pub(super) struct ToolCall {
    spec: ToolSpec,
    wire: Arc<Wire>,
    registered: Registered,
}

/// The names that the client has registered.
pub(super) type Registered = Arc<Mutex<BTreeSet<String>>>;

impl ToolCall {
    pub(super) fn new(wire: Arc<Wire>, registered: Registered) -> Self {
        let spec = ToolSpec {
            name: TOOL_NAME.to_owned(),
            description: "Calls a tool of the program that runs this code.".to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "name": { "type": "string" },
                    "kwargs": { "type": "object" },
                },
                "required": ["name", "kwargs"],
                "additionalProperties": false,
            }),
            returns: None,
            timeout: Some(TIME),
        };
        Self {
            spec,
            wire,
            registered,
        }
    }
}

impl Tool for ToolCall {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _context: CallContext, arguments: Arguments) -> ToolFuture {
        let wire = Arc::clone(&self.wire);
        let registered = Arc::clone(&self.registered);
        Box::pin(async move {
            if !arguments.parts.is_empty() {
                let what = "bytes are no argument of a tool; decode them, or pass base64";
                return Err(ToolError::new("TypeError", what));
            }
            let arguments = arguments.json;
            let name = arguments.get("name").and_then(Value::as_str);
            let name = name.unwrap_or_default().to_owned();
            if !registered.lock().contains(&name) {
                let what = format!("there is no tool {name:?}");
                return Err(ToolError::new("NameError", what));
            }
            let kwargs = arguments.get("kwargs").cloned().unwrap_or_default();
            let asked = tokio::task::spawn_blocking(move || wire.call(&name, &kwargs));
            let gone = || ToolError::new("ConnectionError", "the program is gone");
            match asked.await {
                Ok(Ok(wire::Answer::Value(value))) => Ok(Answer::json(value)),
                Ok(Ok(wire::Answer::Failed(what))) => Err(ToolError::new("RuntimeError", what)),
                Ok(Ok(wire::Answer::Gone) | Err(_)) | Err(_) => Err(gone()),
            }
        })
    }
}
