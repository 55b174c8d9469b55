//! What one message of ChatGPT says.

use serde_json::Value;

use super::profile::Profile;
use crate::chats::{Said, fenced, text};

/// The result of reading a message.
pub(super) enum Message {
    /// It says something, or several things.
    Said(Vec<Said>),
    /// It is a part of the machinery: a prompt, an acknowledgement, a thought of the model.
    Silent,
    /// It should say something and cannot be read.
    Odd(String),
}

/// Names of tools whose text is an acknowledgement for the model.
const ACKNOWLEDGING: [&str; 3] = ["bio", "canmore", "dalle"];
/// Kinds of content that are not said to the person.
const THOUGHTS: [&str; 2] = ["thoughts", "reasoning_recap"];

/// Reads a message, and what it tells of the person.
pub(super) fn message(message: &Value, profile: &mut Profile) -> Message {
    let content = message.get("content").unwrap_or(&Value::Null);
    let kind = text(content, &["content_type"]);
    let metadata = message.get("metadata").unwrap_or(&Value::Null);
    if profile.take(kind, content, metadata) {
        return Message::Silent;
    }
    let hidden = metadata.get("is_visually_hidden_from_conversation");
    if hidden == Some(&Value::Bool(true)) || THOUGHTS.contains(&kind) {
        return Message::Silent;
    }
    let author = message.get("author").unwrap_or(&Value::Null);
    let role = author.as_str().or_else(|| author.get("role")?.as_str());
    let role = role.or_else(|| message.get("role")?.as_str());
    let Some(role) = role else {
        return match words(content) {
            Ok(said) if said.is_empty() => Message::Silent,
            _ => Message::Odd("names no author".to_owned()),
        };
    };
    let mut said = match role {
        "user" => own("User", content),
        "assistant" => assistant(text(message, &["recipient"]), content),
        "tool" => tool(text(author, &["name"]), kind, content),
        "system" | "developer" | "critic" => return Message::Silent,
        other => own(other, content),
    };
    if let Ok(said) = &mut said
        && role != "tool"
    {
        attachments(role, metadata, said);
    }
    match said {
        Ok(said) if said.is_empty() => Message::Silent,
        Ok(said) => Message::Said(said),
        Err(why) => Message::Odd(why),
    }
}

fn own(who: &str, content: &Value) -> Result<Vec<Said>, String> {
    Ok(one(who, words(content)?))
}

fn one(who: &str, text: String) -> Vec<Said> {
    match text.trim().is_empty() {
        true => Vec::new(),
        false => vec![Said {
            who: who.to_owned(),
            text,
        }],
    }
}

/// What the assistant says to the person, or sends to a tool.
fn assistant(recipient: &str, content: &Value) -> Result<Vec<Said>, String> {
    let said = words(content)?;
    let bare = bare(content).unwrap_or(said.as_str());
    Ok(match recipient {
        "" | "all" => one("Assistant", said),
        "bio" => one("Assistant, to its memory", bare.to_owned()),
        "canmore.create_textdoc" => canvas(bare),
        "canmore.update_textdoc" => changes(bare),
        "python" | "code_interpreter" | "container.exec" | "python_user_visible" => {
            one("Assistant, code", said)
        }
        tool => one(&format!("Assistant, to {tool}"), bare.to_owned()),
    })
}

/// What a tool answered, where the person could see it.
fn tool(name: &str, kind: &str, content: &Value) -> Result<Vec<Said>, String> {
    let family = name.split('.').next().unwrap_or(name);
    if kind == "execution_output" {
        return own("Output", content);
    }
    if ACKNOWLEDGING.contains(&family) && kind != "multimodal_text" {
        return Ok(Vec::new());
    }
    match name {
        "" => own("Tool", content),
        name => own(&format!("Tool {name}"), content),
    }
}

/// The text of code without a fence: the arguments of a tool.
fn bare(content: &Value) -> Option<&str> {
    let is_code = text(content, &["content_type"]) == "code";
    is_code.then(|| text(content, &["text"]))
}

/// A document that was written beside the conversation.
fn canvas(arguments: &str) -> Vec<Said> {
    let Ok(document) = serde_json::from_str::<Value>(arguments) else {
        return one("Assistant, canvas", arguments.to_owned());
    };
    let kind = text(&document, &["type"]);
    let content = text(&document, &["content"]);
    let shown = match kind.strip_prefix("code") {
        Some(language) => fenced(language.trim_start_matches('/'), content),
        None => content.to_owned(),
    };
    match text(&document, &["name"]) {
        "" => one("Assistant, canvas", shown),
        name => one(
            &format!("Assistant, canvas {}", crate::text::one_line(name)),
            shown,
        ),
    }
}

/// Changes of such a document.
fn changes(arguments: &str) -> Vec<Said> {
    const WHO: &str = "Assistant, canvas changed";
    let parsed = serde_json::from_str::<Value>(arguments).unwrap_or_default();
    let Some(updates) = parsed.get("updates").and_then(Value::as_array) else {
        return one(WHO, arguments.to_owned());
    };
    let updates = updates.iter().map(|update| {
        let replacement = text(update, &["replacement"]);
        match text(update, &["pattern"]) {
            "" | ".*" => replacement.to_owned(),
            pattern => format!("In place of `{pattern}`:\n{replacement}"),
        }
    });
    one(WHO, updates.collect::<Vec<_>>().join("\n\n"))
}

/// The words of a content of any kind.
fn words(content: &Value) -> Result<String, String> {
    let own = text(content, &["text"]);
    Ok(match text(content, &["content_type"]) {
        "code" => match own.trim().is_empty() {
            true => String::new(),
            false => fenced(text(content, &["language"]), own),
        },
        "execution_output" => match own.trim().is_empty() {
            true => String::new(),
            false => fenced("", own),
        },
        "tether_quote" => {
            let source = [text(content, &["title"]), text(content, &["url"])];
            let source: Vec<&str> = source.into_iter().filter(|s| !s.is_empty()).collect();
            match own.trim().is_empty() {
                true => source.join(", "),
                false => format!("{}\n{own}", source.join(", ")).trim().to_owned(),
            }
        }
        "tether_browsing_display" => text(content, &["summary", "result"]).to_owned(),
        "system_error" => match own.trim().is_empty() {
            true => String::new(),
            false => format!("Error {}: {own}", text(content, &["name"])),
        },
        kind => return parts(kind, content),
    })
}

/// The words of parts, one after the other.
fn parts(kind: &str, content: &Value) -> Result<String, String> {
    if let Some(text) = content.as_str() {
        return Ok(text.to_owned());
    }
    let parts: &[Value] = match content.get("parts") {
        Some(Value::Array(parts)) => parts,
        Some(part @ Value::String(_)) => std::slice::from_ref(part),
        _ => match content.as_array() {
            Some(parts) => parts,
            None => {
                let own = text(content, &["text", "result", "content", "summary"]);
                return match own.is_empty() && !kind.is_empty() && kind != "text" {
                    true if is_empty(content) => Ok(String::new()),
                    true => Err(format!("has content of the unknown kind {kind:?}")),
                    false => Ok(own.to_owned()),
                };
            }
        },
    };
    let texts: Vec<String> = parts.iter().filter_map(part).collect();
    match texts.is_empty() {
        true => Ok(recordings(parts).to_owned()),
        false => Ok(texts.join("\n")),
    }
}

/// A word for pictures and recordings that come without any.
fn recordings(parts: &[Value]) -> &'static str {
    let holds = |what: &str| {
        let mut kinds = parts.iter().map(|part| text(part, &["content_type"]));
        kinds.any(|kind| kind.ends_with("asset_pointer") && kind.contains(what))
    };
    match (holds("image"), holds("audio") || holds("video")) {
        (true, _) => "[picture]",
        (false, true) => "[recording]",
        (false, false) => "",
    }
}

/// Whether a content of an unknown kind holds nothing but its kind and nulls.
fn is_empty(content: &Value) -> bool {
    let nothing = |value: &Value| {
        value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty)
    };
    content.as_object().is_none_or(|fields| {
        let mut others = fields.iter().filter(|(key, _)| *key != "content_type");
        others.all(|(_, value)| nothing(value))
    })
}

/// The words of one part: typed, spoken, or what a picture was asked to show.
fn part(part: &Value) -> Option<String> {
    if let Some(text) = part.as_str() {
        return Some(text.to_owned());
    }
    if part.is_number() || part.is_boolean() {
        return Some(part.to_string());
    }
    if text(part, &["content_type"]) == "image_asset_pointer" {
        let prompt = part.pointer("/metadata/dalle/prompt");
        return Some(match prompt.and_then(Value::as_str).unwrap_or_default() {
            "" => return None,
            prompt => format!("[picture: {}]", crate::text::one_line(prompt)),
        });
    }
    Some(text(part, &["text"]).to_owned()).filter(|text| !text.is_empty())
}

/// Names what was attached, since only its name is in the conversation.
fn attachments(role: &str, metadata: &Value, said: &mut Vec<Said>) {
    let Some(attachments) = metadata.get("attachments").and_then(Value::as_array) else {
        return;
    };
    let names = attachments.iter().map(|attachment| {
        let name = text(attachment, &["name", "file_name", "id"]);
        format!("[attachment: {}]", crate::text::one_line(name))
    });
    let names = names.collect::<Vec<_>>().join("\n");
    if names.is_empty() {
        return;
    }
    match said.last_mut() {
        Some(said) => {
            said.text = format!("{}\n\n{names}", said.text.trim_end());
        }
        None => {
            let who = if role == "user" { "User" } else { "Assistant" };
            said.extend(one(who, names));
        }
    }
}
