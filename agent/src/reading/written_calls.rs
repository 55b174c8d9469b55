//! Calls that a server left in the text of a reply.
//!
//! Models write their calls as text, and servers read them. One that does not know how its
//! model writes hands the text on as it is.

use memex_channel::TreeSize;
use memex_models::ToolCall;
use serde_json::{Map, Value};

/// Calls in one reply that are read; a text can hold any number.
const CALLS_MAX: usize = 64;
/// Bytes of a text that is read for calls.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// What the JSON of one call may take as values: up to a hundred times its bytes.
const VALUES_BYTES_MAX: usize = 64 << 20;
/// Marks around JSON.
const MARKED: [(&str, &str); 5] = [
    ("<tool_call>", "</tool_call>"),
    ("<function_call>", "</function_call>"),
    ("<tool_use>", "</tool_use>"),
    ("<|tool_call|>", "<|/tool_call|>"),
    ("<|tool_call_begin|>", "<|tool_call_end|>"),
];
/// Marks before JSON that goes on to the end of the text.
const BEFORE: [&str; 3] = ["[TOOL_CALLS]", "<|python_tag|>", "functools"];

/// The calls of a text that is nothing else, or has them between marks; and the words around.
pub(super) fn written_calls(text: &str) -> Option<(Vec<ToolCall>, String)> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let mut calls = Vec::new();
    let mut words = String::new();
    let mut rest = text;
    while calls.len() < CALLS_MAX
        && let Some((at, open, close)) = first_mark(rest)
    {
        let (before, after) = rest.split_at(at);
        let inside = after.get(open.len()..).unwrap_or_default();
        // The last closing mark is often where the model was told to stop.
        let (call, tail) = inside.split_once(close).unwrap_or((inside, ""));
        calls.extend(marked(call)?);
        words.push_str(before);
        rest = tail;
    }
    if !calls.is_empty() {
        words.push_str(rest);
        return Some((numbered(calls), words.trim().to_owned()));
    }
    let whole = super::unwrapping::without_fence(text).trim();
    for mark in BEFORE {
        if let Some((before, json)) = whole.split_once(mark) {
            return Some((numbered(of_json(json)?), before.trim().to_owned()));
        }
    }
    Some((numbered(of_json(whole)?), String::new()))
}

fn first_mark(text: &str) -> Option<(usize, &'static str, &'static str)> {
    MARKED
        .into_iter()
        .filter_map(|(open, close)| Some((text.find(open)?, open, close)))
        .min()
}

/// What stands between marks: JSON, or tags for the function and its parameters.
fn marked(text: &str) -> Option<Vec<ToolCall>> {
    let text = text.trim();
    of_json(text).or_else(|| Some(vec![of_tags(text)?]))
}

/// One call or a list of them. It is an object of a name and arguments, and of nothing that
/// an answer in JSON would have besides.
fn of_json(text: &str) -> Option<Vec<ToolCall>> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) || TreeSize::of(text.as_bytes()) > VALUES_BYTES_MAX {
        return None;
    }
    match serde_json::from_str(text).ok()? {
        Value::Array(list) if !list.is_empty() && list.len() <= CALLS_MAX => {
            list.into_iter().map(of_object).collect()
        }
        value => Some(vec![of_object(value)?]),
    }
}

fn of_object(value: Value) -> Option<ToolCall> {
    let Value::Object(mut object) = value else {
        return None;
    };
    if let Some(Value::Object(function)) = object.remove("function") {
        object.extend(function);
    }
    let Some(Value::String(name)) = object.remove("name") else {
        return None;
    };
    let arguments = ["arguments", "parameters", "input"];
    let arguments = arguments.into_iter().find_map(|key| object.remove(key))?;
    let arguments = match arguments {
        Value::Object(map) => Value::Object(map).to_string(),
        Value::String(text) if text.trim_start().starts_with('{') => text,
        _ => return None,
    };
    let id = object.remove("id");
    object.remove("type");
    object.is_empty().then(|| call(name, arguments, id))
}

/// `<function=NAME><parameter=KEY>VALUE</parameter>…</function>`. A value that is JSON is
/// taken as such, other words are a text.
fn of_tags(text: &str) -> Option<ToolCall> {
    let (name, mut rest) = text.strip_prefix("<function=")?.split_once('>')?;
    let mut arguments = Map::new();
    let mut left = VALUES_BYTES_MAX;
    while let Some((_, after)) = rest.split_once("<parameter=") {
        let (key, after) = after.split_once('>')?;
        let (value, tail) = after.split_once("</parameter>")?;
        let value = value.strip_prefix('\n').unwrap_or(value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        let read = match key.trim() {
            // Code that is a number or a list is code all the same.
            "code" => None,
            _ => of_value(value, &mut left),
        };
        arguments.insert(key.trim().to_owned(), read.unwrap_or_else(|| value.into()));
        rest = tail;
    }
    let name = name.trim().to_owned();
    Some(call(name, Value::Object(arguments).to_string(), None))
}

/// A value that is JSON, if it takes no more than what is left for the values of its call.
fn of_value(text: &str, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(TreeSize::of(text.as_bytes()))?;
    serde_json::from_str(text).ok()
}

fn call(name: String, arguments: String, id: Option<Value>) -> ToolCall {
    let id = id.and_then(|id| id.as_str().map(str::to_owned));
    ToolCall {
        id: id.unwrap_or_default(),
        name,
        arguments,
        opaque: None,
    }
}

/// Calls with ids of their own.
fn numbered(mut calls: Vec<ToolCall>) -> Vec<ToolCall> {
    let mut taken = std::collections::BTreeSet::new();
    for (number, call) in calls.iter_mut().enumerate() {
        let mut free = number.saturating_add(1);
        while call.id.is_empty() || taken.contains(&call.id) {
            call.id = format!("written_{free}");
            free = free.saturating_add(1);
        }
        taken.insert(call.id.clone());
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::written_calls;

    fn found(text: &str) -> Option<(Vec<(String, String)>, String)> {
        let (calls, words) = written_calls(text)?;
        let calls = calls.into_iter().map(|call| (call.name, call.arguments));
        Some((calls.collect(), words))
    }

    #[test]
    fn calls_are_read_as_models_write_them() {
        let json = r#"{"name": "python", "arguments": {"code": "print(1)"}}"#;
        let call = ("python".to_owned(), r#"{"code":"print(1)"}"#.to_owned());
        let forms = [
            format!("<tool_call>\n{json}\n</tool_call>"),
            format!("<tool_call>{json}"),
            json.to_owned(),
            format!("```json\n{json}\n```"),
            format!("[TOOL_CALLS][{json}]"),
            json.replace("arguments", "parameters"),
            format!(r#"{{"type":"function","function":{json}}}"#),
            r#"{"name":"python","arguments":"{\"code\":\"print(1)\"}"}"#.to_owned(),
            "<tool_call>\n<function=python>\n<parameter=code>\nprint(1)\n</parameter>\n</function>\n</tool_call>".to_owned(),
        ];
        for form in forms {
            assert_eq!(
                found(&form),
                Some((vec![call.clone()], String::new())),
                "{form}"
            );
        }
        let two = format!("First.\n<tool_call>{json}</tool_call>\n<tool_call>{json}</tool_call>");
        let (calls, words) = written_calls(&two).unwrap();
        assert_eq!(words, "First.");
        let ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
        assert_eq!(ids, ["written_1", "written_2"]);
    }

    #[test]
    fn what_is_no_call_is_left_alone() {
        let texts = [
            "",
            "The answer is 3.",
            r#"{"name": "Ada", "age": 3}"#,
            r#"{"name": "python", "arguments": {}, "note": "an answer of three members"}"#,
            r#"{"name": "python", "arguments": 3}"#,
            "[1, 2]",
            "[]",
            "<tool_call>not a call</tool_call>",
            "The mark <tool_call> begins one.",
        ];
        for text in texts {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
