//! Results that the library does not know, since one part of them is off: the rest is kept.

use rmcp::model::{
    CallToolResult, ContentBlock, ListToolsResult, MetaObject, ServerResult, TextContent,
    Tool as RemoteTool,
};
use serde_json::{Map, Value, json};

/// Marks the text of a content that the library does not know.
pub(super) const UNKNOWN_MARK: &str = "memex/unknown-content";

/// What a result means, if it is one of tools.
pub(super) fn revived(result: Value) -> ServerResult {
    let Value::Object(map) = &result else {
        return ServerResult::CustomResult(rmcp::model::CustomResult::new(result));
    };
    if map.contains_key("tools") {
        return tools(map);
    }
    let is_answer = ["content", "structuredContent", "isError", "toolResult"];
    if is_answer.iter().any(|key| map.contains_key(*key)) {
        return ServerResult::CallToolResult(answer(map));
    }
    ServerResult::CustomResult(rmcp::model::CustomResult::new(result))
}

fn tools(map: &Map<String, Value>) -> ServerResult {
    let listed = map.get("tools").and_then(Value::as_array);
    let listed = listed.map(Vec::as_slice).unwrap_or_default();
    let tools = listed
        .iter()
        .enumerate()
        .map(|(index, listed)| tool(listed, index));
    let mut result = ListToolsResult::with_all_items(tools.collect());
    result.next_cursor = map.get("nextCursor").and_then(|cursor| match cursor {
        Value::String(cursor) => Some(cursor.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    ServerResult::ListToolsResult(result)
}

/// A tool as far as it can be read. One without a name has one that is left out with a note.
fn tool(listed: &Value, index: usize) -> RemoteTool {
    if let Ok(tool) = serde_json::from_value(listed.clone()) {
        return tool;
    }
    let text = |key: &str| listed.get(key).and_then(Value::as_str);
    let object = |key: &str| listed.get(key).and_then(Value::as_object).cloned();
    let nameless = format!("tool {} without a name", index + 1);
    let mut tool = json!({
        "name": text("name").unwrap_or(&nameless),
        "inputSchema": object("inputSchema").unwrap_or_default(),
    });
    for key in ["title", "description"] {
        if let (Some(text), Some(tool)) = (text(key), tool.as_object_mut()) {
            tool.insert(key.to_owned(), Value::from(text));
        }
    }
    if let (Some(output), Some(tool)) = (object("outputSchema"), tool.as_object_mut()) {
        tool.insert("outputSchema".to_owned(), Value::Object(output));
    }
    serde_json::from_value(tool).unwrap_or_default()
}

fn answer(map: &Map<String, Value>) -> CallToolResult {
    let content = match map.get("content") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(blocks)) => blocks.iter().map(block).collect(),
        Some(one) => vec![block(one)],
    };
    let mut result = match map.get("isError") {
        Some(Value::Bool(true)) => CallToolResult::error(content),
        _ => CallToolResult::success(content),
    };
    let structured = map
        .get("structuredContent")
        .or_else(|| map.get("toolResult"));
    result.structured_content = structured.filter(|value| !value.is_null()).cloned();
    result
}

/// A content; what is not known is kept as it is.
fn block(block: &Value) -> ContentBlock {
    if let Value::String(text) = block {
        return ContentBlock::text(text);
    }
    let mut plain = block.clone();
    if let Some(map) = plain.as_object_mut() {
        // They say nothing that the guest is given.
        map.remove("annotations");
        map.remove("_meta");
        map.retain(|_, value| !value.is_null());
    }
    if let Ok(known) = serde_json::from_value(plain.clone()) {
        return known;
    }
    if let (Some("text"), Some(text)) =
        (plain.get("type").and_then(Value::as_str), plain.get("text"))
    {
        return ContentBlock::text(
            text.as_str()
                .map_or_else(|| text.to_string(), str::to_owned),
        );
    }
    let mut unknown = TextContent::new(plain.to_string());
    let mark = Map::from_iter([(UNKNOWN_MARK.to_owned(), Value::Bool(true))]);
    unknown.meta = Some(MetaObject(mark));
    ContentBlock::Text(unknown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn one_odd_tool_does_not_take_the_others_away() {
        let result = json!({"tools": [
            {"name": "good", "inputSchema": {"type": "object"}},
            {"name": "odd", "description": 3, "inputSchema": null, "annotations": "x", "icons": 7},
            {"description": "no name"},
        ], "nextCursor": 2});
        let ServerResult::ListToolsResult(found) = revived(result) else {
            panic!("it is a list");
        };
        let names: Vec<_> = found.tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(names, ["good", "odd", "tool 3 without a name"]);
        assert_eq!(found.next_cursor.as_deref(), Some("2"));
    }

    #[test]
    fn what_is_known_of_an_answer_is_kept() {
        let result = json!({"content": [
            {"type": "hologram", "x": 1},
            {"type": "text", "text": "also", "annotations": {"priority": "high"}},
            {"type": "text", "text": 5},
            "plain",
        ], "structuredContent": null});
        let ServerResult::CallToolResult(found) = revived(result) else {
            panic!("it is an answer");
        };
        let texts = found.content.iter().map(|block| match block {
            ContentBlock::Text(text) => (text.text.as_str(), text.meta.is_some()),
            _ => panic!("they are texts"),
        });
        let texts: Vec<_> = texts.collect();
        assert_eq!(
            texts[1..],
            [("also", false), ("5", false), ("plain", false)]
        );
        assert!(texts[0].0.contains("hologram") && texts[0].1);
        assert!(
            matches!(revived(json!({"content": null})), ServerResult::CallToolResult(found) if found.content.is_empty())
        );
        assert!(matches!(revived(json!(3)), ServerResult::CustomResult(_)));
    }
}
