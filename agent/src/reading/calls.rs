//! Tool calls in replies.

use memex_models::{Reply, StopReason, ToolCall};
use memex_trajectories::ActionSpace;
use serde_json::{Map, Value};

use super::action::{Action, RequestedCall};
use crate::CodeForm;

/// The tool that carries code.
pub(crate) const CODE_TOOL: &str = "python";

/// What the tool calls of a reply want done; none if there are none.
pub(super) fn read(reply: &Reply, space: ActionSpace, form: CodeForm) -> Option<Action> {
    let calls: Vec<&ToolCall> = reply.message.tool_calls().collect();
    let (first, others) = calls.split_first()?;
    let takes_code = space == ActionSpace::Code && form == CodeForm::Tool;
    if takes_code
        && first.name == CODE_TOOL
        && let Ok(arguments) = arguments(first, &reply.stop)
        && let Some(code) = code_of(&arguments)
    {
        let answer = "not run: one block at a time; call again after you have seen the result";
        return Some(Action::Code {
            code: code.to_owned(),
            call_id: Some(first.id.clone()),
            note: None,
            others: others
                .iter()
                .map(|call| (call.id.clone(), call.name.clone(), answer.to_owned()))
                .collect(),
            answer: None,
        });
    }
    let calls = calls.into_iter().map(|call| RequestedCall {
        id: call.id.clone(),
        name: call.name.clone(),
        arguments: match arguments(call, &reply.stop) {
            Ok(_) if takes_code && call.name == CODE_TOOL => {
                Err("python takes one argument, `code`: the block as a string".to_owned())
            }
            read => read,
        },
    });
    Some(Action::Calls(calls.collect()))
}

/// The block in the arguments of the tool that carries code.
fn code_of(arguments: &Map<String, Value>) -> Option<&str> {
    arguments.get("code").and_then(Value::as_str)
}

fn arguments(call: &ToolCall, stop: &StopReason) -> Result<Map<String, Value>, String> {
    match call.parsed_arguments() {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(format!(
            "the arguments must be a JSON object, not {}",
            match other {
                Value::Array(_) => "a list",
                Value::String(_) => "a text",
                Value::Null => "null",
                _ => "a number or a boolean",
            }
        )),
        Err(_) if *stop == StopReason::MaxTokens => {
            Err("the arguments were cut off at the limit of tokens; send less at once".to_owned())
        }
        Err(error) => Err(format!("the arguments are not JSON: {error}")),
    }
}
