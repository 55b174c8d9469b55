//! Tool calls in replies.

use memex_host_tools::LargeInteger;
use memex_models::{Reply, StopReason, ToolCall};
use memex_trajectories::ActionSpace;
use serde_json::{Map, Value};

use super::action::{Action, RequestedCall};
use super::unwrapping::unwrapped;
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
        && let Some(code) = code_of(first, &reply.stop)
    {
        let answer = "not run: one block at a time; call again after you have seen the result";
        return Some(Action::Code {
            code: unwrapped(&code),
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

/// The block in a call of the tool that carries code. Some models send it without the object
/// around it.
fn code_of(call: &ToolCall, stop: &StopReason) -> Option<String> {
    match arguments(call, stop) {
        Ok(arguments) => Some(arguments.get("code")?.as_str()?.to_owned()),
        // Half an object is no code, and neither is a list or a number.
        Err(_) if *stop == StopReason::MaxTokens => None,
        Err(_) => match serde_json::from_str(&call.arguments) {
            Ok(Value::String(code)) => Some(code),
            Ok(_) => None,
            Err(_) => {
                let code = call.arguments.trim_start();
                (!code.is_empty() && !code.starts_with(['{', '[', '"'])).then(|| code.to_owned())
            }
        },
    }
}

/// The block in a call that was written as text.
pub(super) fn code_of_written(call: &ToolCall) -> Option<String> {
    let code = code_of(call, &StopReason::ToolCalls).filter(|_| call.name == CODE_TOOL)?;
    Some(unwrapped(&code))
}

fn arguments(call: &ToolCall, stop: &StopReason) -> Result<Map<String, Value>, String> {
    if let Some(found) = LargeInteger::find(call.arguments.as_bytes(), 1) {
        let name = found
            .name()
            .map_or(String::new(), |name| format!("{name}: "));
        return Err(format!("{name}{}; pass it as text", found.reason()));
    }
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

#[cfg(test)]
mod tests {
    use super::arguments;
    use memex_models::{StopReason, ToolCall};

    #[test]
    fn integers_that_would_become_other_numbers_are_refused_by_name() {
        let read = |text: &str| {
            let call = ToolCall {
                id: String::new(),
                name: "t".to_owned(),
                arguments: text.to_owned(),
                opaque: None,
            };
            arguments(&call, &StopReason::ToolCalls)
        };
        let fits = read(r#"{"n":18446744073709551615}"#).map(|map| map.len());
        assert_eq!(fits, Ok(1));
        let error = read(r#"{"m":1,"n":18446744073709551616}"#);
        let expected = "n: the integer 18446744073709551616 has more than 64 bits, and would become another number; pass it as text";
        assert_eq!(error, Err(expected.to_owned()));
    }
}
