//! A conversation of ChatGPT, read.

use std::collections::HashMap;

use serde_json::Value;

use super::branches::order;
use super::content::{Message, message};
use super::profile::Profile;
use crate::chats::{Branch, Conversation, Said, text, time};

/// Reads a conversation. `odd` is told of what is left out.
///
/// # Errors
/// Why it is none.
pub(super) fn conversation(
    value: &Value,
    profile: &mut Profile,
    odd: &mut dyn FnMut(&str, String),
) -> Result<Conversation, String> {
    if !value.is_object() {
        return Err("is no conversation".to_owned());
    }
    let nodes = nodes(value)?;
    let nodes: Vec<(&str, &Value)> = nodes
        .iter()
        .map(|(id, node)| (id.as_str(), *node))
        .collect();
    let order = order(&nodes, value.get("current_node").and_then(Value::as_str));
    let nodes: HashMap<&str, &Value> = nodes.into_iter().collect();
    let mut read = |id: &str| match nodes.get(id) {
        Some(node) => said(node, profile, |why| odd(id, why)),
        None => Vec::new(),
    };
    let mut messages = Vec::new();
    let mut counts = HashMap::new();
    for id in &order.main {
        messages.extend(read(id));
        counts.insert(*id, messages.len());
    }
    let mut branches = Vec::new();
    for (after, ids) in &order.others {
        let messages: Vec<Said> = ids.iter().flat_map(|id| read(id)).collect();
        if !messages.is_empty() {
            let after = after.and_then(|after| counts.get(after)).copied();
            branches.push(Branch {
                after: after.unwrap_or(0),
                messages,
            });
        }
    }
    Ok(Conversation {
        id: text(value, &["conversation_id", "id"]).to_owned(),
        title: text(value, &["title"]).to_owned(),
        created: time(value.get("create_time")),
        updated: time(value.get("update_time")),
        facts: vec![("model", text(value, &["default_model_slug"]).to_owned())],
        preface: String::new(),
        messages,
        branches,
    })
}

/// The nodes of the tree by their ids; a list of messages is a tree without branches.
fn nodes(value: &Value) -> Result<Vec<(String, &Value)>, String> {
    let listed = |nodes: &'_ [Value]| -> Vec<String> {
        (0..nodes.len())
            .map(
                |index| match nodes.get(index).map(|node| text(node, &["id"])) {
                    None | Some("") => format!("{index:08}"),
                    Some(id) => id.to_owned(),
                },
            )
            .collect()
    };
    match value.get("mapping") {
        Some(Value::Object(mapping)) => Ok(mapping
            .iter()
            .map(|(id, node)| (id.clone(), node))
            .collect()),
        Some(Value::Array(nodes)) => Ok(listed(nodes).into_iter().zip(nodes).collect()),
        _ if value.get("chat_messages").is_some() => {
            Err("is a conversation of Claude; import it with `memex mem import claude`".to_owned())
        }
        _ => {
            Err("is not in the form of a conversation: it has no `mapping` of messages".to_owned())
        }
    }
}

/// What the message of a node says.
fn said(node: &Value, profile: &mut Profile, odd: impl FnOnce(String)) -> Vec<Said> {
    let found = match node.get("message") {
        None if node.is_object() => return Vec::new(),
        Some(Value::Null) => return Vec::new(),
        Some(found) if found.is_object() => message(found, profile),
        _ => Message::Odd("is no message".to_owned()),
    };
    match found {
        Message::Said(said) => said,
        Message::Silent => Vec::new(),
        Message::Odd(why) => {
            odd(format!("{why}; it is left out"));
            Vec::new()
        }
    }
}
