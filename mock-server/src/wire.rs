//! What the three protocols have in common: events, contents, roles, tools.

use serde_json::Value;

use memex_models::{Image, Message, Part, Role, ToolDefinition};

/// An event of a streamed answer: its name, if the protocol names them.
pub(crate) type Event = (Option<String>, Value);

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// A text that is one, or that is spread over parts with texts.
pub(crate) fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text(part, "text")).collect(),
        _ => String::new(),
    }
}

/// The pictures of a content, by the member that holds their address.
pub(crate) fn images(content: &Value, address: &str) -> Vec<Image> {
    let parts = content.as_array().map(Vec::as_slice).unwrap_or_default();
    let addresses = parts.iter().filter_map(|part| part.pointer(address));
    let urls = addresses.filter_map(Value::as_str);
    urls.map(|url| Image::Url { url: url.into() }).collect()
}

pub(crate) fn role(name: &str) -> Role {
    match name {
        "system" | "developer" => Role::System,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => Role::User,
    }
}

pub(crate) fn tool(definition: &Value, schema: &str) -> ToolDefinition {
    ToolDefinition {
        name: text(definition, "name").to_owned(),
        description: text(definition, "description").to_owned(),
        parameters: definition.get(schema).cloned().unwrap_or_default(),
    }
}

/// A message of these texts and pictures.
pub(crate) fn said(role: Role, text: String, images: Vec<Image>) -> Message {
    let mut message = Message::new(role, text);
    message.parts.extend(images.into_iter().map(Part::Image));
    message
}
