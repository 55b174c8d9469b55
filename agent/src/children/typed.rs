//! Answers of a model that have to meet a schema.

use std::sync::Arc;

use memex_host_tools::{LargeInteger, ToolError, ToolSpec, Toolbox};
use memex_models::{Message, Part, Reply, Request, Role, ToolChoice, ToolDefinition, ToolResult};
use serde_json::Value;

use crate::OutputSchema;
use crate::harness::{Uncalled, compiled};

/// Replies that a model may give until one fits.
pub(super) const TRIES: usize = 3;
/// The tool by which it answers.
const ANSWER: &str = "answer";

/// A schema, ready to check answers.
pub(super) struct Typed {
    output: OutputSchema,
    toolbox: Toolbox,
}

impl Typed {
    pub(super) fn new(schema: Value) -> Result<Self, ToolError> {
        let wrong = |error: crate::Error| ToolError::new("ValueError", format!("llm: {error}"));
        let output = OutputSchema::new(schema).map_err(wrong)?;
        let checked = Uncalled(ToolSpec {
            name: ANSWER.to_owned(),
            description: String::new(),
            parameters: output.parameters().clone(),
            returns: None,
            timeout: None,
        });
        let toolbox = compiled(Arc::new(checked)).map_err(wrong)?;
        Ok(Self { output, toolbox })
    }

    /// The request, asking for a call with the answer.
    pub(super) fn asking(&self, request: Request) -> Request {
        Request {
            tools: vec![ToolDefinition {
                name: ANSWER.to_owned(),
                description: "Gives the answer.".to_owned(),
                parameters: self.output.parameters().clone(),
            }],
            tool_choice: ToolChoice::Named(ANSWER.to_owned()),
            ..request
        }
    }

    /// The answer in a reply, or what is wrong with it.
    pub(super) fn read(&self, reply: &Reply) -> Result<Value, String> {
        let call = reply.message.tool_calls().find(|call| call.name == ANSWER);
        let large = call.and_then(|call| LargeInteger::find(call.arguments.as_bytes(), 1));
        if let Some(found) = large {
            return Err(format!("{}; answer it as text", found.reason()));
        }
        let arguments = match call {
            Some(call) => call
                .parsed_arguments()
                .map_err(|error| format!("the arguments are not JSON: {error}"))?,
            // Not every model calls tools; one that writes JSON has answered.
            None => self.output.arguments_of(written(&reply.message.text())?),
        };
        let admitted = match self.toolbox.get(ANSWER) {
            Some(entry) => entry.admit(arguments).map_err(|error| error.message)?,
            None => arguments,
        };
        match admitted {
            Value::Object(arguments) => Ok(self.output.answer(arguments)),
            _ => Err("the arguments are no object".to_owned()),
        }
    }

    /// Tells the model what was wrong, so that it answers again.
    pub(super) fn complain(request: &mut Request, reply: Reply, what: &str) {
        let calls: Vec<String> = reply
            .message
            .tool_calls()
            .map(|call| call.id.clone())
            .collect();
        request.messages.push(reply.message);
        let again = format!("{what}. Answer again, by one call of `{ANSWER}`.");
        if calls.is_empty() {
            request.messages.push(Message::user(again));
            return;
        }
        let results = calls.into_iter().map(|call_id| {
            Part::ToolResult(ToolResult {
                call_id,
                text: again.clone(),
                images: Vec::new(),
                is_error: true,
            })
        });
        request.messages.push(Message {
            role: Role::Tool,
            parts: results.collect(),
        });
    }
}

/// The JSON that is the whole text, or its only block.
fn written(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let inner = text
        .strip_prefix("```json")
        .or_else(|| text.strip_prefix("```"))
        .and_then(|text| text.strip_suffix("```"));
    let json = inner.unwrap_or(text);
    if let Some(found) = LargeInteger::find(json.as_bytes(), 1) {
        return Err(format!("{}; answer it as text", found.reason()));
    }
    serde_json::from_str(json)
        .map_err(|error| format!("the reply has no call of `{ANSWER}`, and is no JSON: {error}"))
}
