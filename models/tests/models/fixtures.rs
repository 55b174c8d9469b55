//! What several tests need.

use memex_models::{Message, Part, Request, Script, ScriptEntry, ToolCall, ToolDefinition};

pub(crate) fn says(text: &str) -> ScriptEntry {
    ScriptEntry {
        text: text.into(),
        ..ScriptEntry::default()
    }
}

pub(crate) fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
        opaque: None,
    })
}

pub(crate) fn weather() -> ToolDefinition {
    ToolDefinition {
        name: "weather".into(),
        description: "The weather of a town.".into(),
        parameters: serde_json::json!({
            "type": "object", "properties": { "town": { "type": "string" } },
        }),
    }
}

pub(crate) fn ask(text: &str) -> Request {
    Request::new(vec![Message::user(text)])
}

pub(crate) fn script(text: &str) -> Script {
    Script::parse("test.jsonl", "jsonl", text).unwrap()
}
