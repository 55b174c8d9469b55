//! Exports of Claude: conversations, projects, what it remembered.

use std::path::Path;

use memex_memory::Error;
use serde_json::Value;

use crate::archive::{self, Wanted};
use crate::chats::{self, Conversation, Said, fenced, text, time};
use crate::page::Page;
use crate::report::malformed;
use crate::source::{self, Kind};
use crate::{ImportReport, Importer};

const SOURCE: &str = "claude";

pub(super) fn import(importer: &Importer<'_>, export: &Path) -> Result<ImportReport, Error> {
    let mut report = ImportReport::default();
    let mut found = Vec::new();
    let mut remembered = String::new();
    let mut files = 0;
    let kind = source::searched(
        importer,
        export,
        &wanted,
        &mut report,
        &mut |name, content, report| {
            files += 1;
            match file_name(name) {
                "memories.json" => {
                    let bytes = archive::whole(name, content)?;
                    let memories: Value =
                        chats::document(&bytes).map_err(|what| malformed(name, what))?;
                    strings(&memories, "", &mut remembered);
                    Ok(())
                }
                file => {
                    let read = match file.starts_with("projects") {
                        true => project,
                        false => conversation,
                    };
                    let mut last = 0;
                    let listed = chats::each(content, &mut |number, value| {
                        last = number;
                        let place = format!("{name}: entry {number}");
                        let mut odd = |at: usize, why: &str| {
                            report.skip(format!("{place}: message {at}"), why);
                        };
                        match read(&value, &mut odd) {
                            Ok(one) if one.is_empty() => {
                                report.skip(place, "says nothing that could be taken in");
                            }
                            Ok(one) => found.push(one),
                            Err(why) => report.skip(place, why),
                        }
                    });
                    listed.map_err(|error| {
                        let what = format!("cannot be read after entry {last}: {error}");
                        malformed(name, what)
                    })
                }
            }
        },
    )?;
    if files == 0 {
        let place = export.to_string_lossy();
        return Err(malformed(
            place,
            "holds no conversations.json; is it an export of Claude?",
        ));
    }
    if found.is_empty() && remembered.is_empty() {
        match report.skipped.first() {
            None => {
                let place = export.to_string_lossy();
                return Err(malformed(place, "holds no conversation"));
            }
            Some(first) if kind == Kind::Single => {
                return Err(malformed(first.place.as_str(), first.why.as_str()));
            }
            Some(_) => {}
        }
    }
    let mut beside = Vec::new();
    if !remembered.trim().is_empty() {
        let mut page = Page {
            title: "What Claude remembered".to_owned(),
            text: remembered,
            ..Page::default()
        };
        page.fact("source", SOURCE);
        beside.push(("memory", page));
    }
    chats::write(
        importer,
        (SOURCE, "Claude conversations"),
        found,
        beside,
        report,
    )
}

fn wanted(name: &str) -> Wanted {
    let name = file_name(name);
    let is_ours = ["conversations", "projects", "memories"]
        .iter()
        .any(|stem| name.starts_with(stem));
    match is_ours && name.ends_with(".json") {
        true => Wanted::Yes,
        false => Wanted::No,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn conversation(value: &Value, odd: &mut dyn FnMut(usize, &str)) -> Result<Conversation, String> {
    let Some(messages) = value.get("chat_messages").and_then(Value::as_array) else {
        return Err(match value.get("mapping") {
            Some(_) => "is a conversation of ChatGPT; import it with `memex mem import chatgpt`",
            None => "is not in the form of a conversation: it has no `chat_messages`",
        }
        .to_owned());
    };
    let mut said = Vec::new();
    for (number, message) in (1..).zip(messages) {
        let who = match text(message, &["sender", "role"]) {
            "human" | "user" => "User",
            "assistant" => "Assistant",
            "" if !message.is_object() => {
                odd(number, "is no message; it is left out");
                continue;
            }
            "" => {
                odd(number, "names no sender; it is left out");
                continue;
            }
            other => other,
        };
        let words = words(message);
        if !words.trim().is_empty() {
            said.push(Said {
                who: who.to_owned(),
                text: words,
            });
        }
    }
    let summary = text(value, &["summary"]).trim();
    let preface = match summary.is_empty() {
        true => String::new(),
        false => format!("## Summary\n\n{}", crate::text::quoted(summary)),
    };
    Ok(Conversation {
        id: text(value, &["uuid", "id"]).to_owned(),
        title: text(value, &["name", "title"]).to_owned(),
        created: time(value.get("created_at")),
        updated: time(value.get("updated_at")),
        preface,
        messages: said,
        ..Conversation::default()
    })
}

/// What a message says: its blocks or, in older exports, its text; and what was attached.
fn words(message: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    let blocks = message.get("content").and_then(Value::as_array);
    for block in blocks.into_iter().flatten() {
        parts.extend(block_words(block));
    }
    if parts.iter().all(|part| part.trim().is_empty()) {
        parts = vec![text(message, &["text"]).to_owned()];
    }
    for key in ["attachments", "files", "files_v2"] {
        let attached = message.get(key).and_then(Value::as_array);
        for file in attached.into_iter().flatten() {
            let name = crate::text::one_line(text(file, &["file_name", "name", "file_uuid"]));
            let line = format!("[attachment: {name}]");
            if !parts.contains(&line) {
                parts.push(line);
            }
            let extracted = text(file, &["extracted_content"]);
            if !extracted.trim().is_empty() {
                parts.push(extracted.to_owned());
            }
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.join("\n\n")
}

fn block_words(block: &Value) -> Option<String> {
    if let Some(text) = block.as_str() {
        return Some(text.to_owned());
    }
    match text(block, &["type"]) {
        // What the model thinks is not said.
        "thinking" | "redacted_thinking" | "flag" | "token_budget" => None,
        "tool_use" => {
            let input = block.get("input").unwrap_or(&Value::Null);
            // Documents that were written beside the conversation.
            let title = text(input, &["title", "id"]);
            let content = text(input, &["content", "new_str", "code"]);
            let name = text(block, &["name"]);
            Some(match content.is_empty() {
                true => format!("[calls {name}: {input}]"),
                false => format!(
                    "[{name}: {title}]\n{}",
                    fenced(text(input, &["language"]), content)
                ),
            })
        }
        "tool_result" => {
            let content = block.get("content")?;
            let mut out = String::new();
            match content {
                Value::String(text) => out.push_str(text),
                other => {
                    for part in other.as_array().into_iter().flatten() {
                        out.push_str(text(part, &["text"]));
                        out.push('\n');
                    }
                }
            }
            let out = out.trim();
            (!out.is_empty()).then(|| format!("[result]\n{}", fenced("", out)))
        }
        _ => Some(text(block, &["text", "transcript"]).to_owned()),
    }
}

/// A project: its instructions and documents.
fn project(value: &Value, odd: &mut dyn FnMut(usize, &str)) -> Result<Conversation, String> {
    if !value.is_object() {
        return Err("is no project".to_owned());
    }
    let mut preface = String::new();
    for (title, key) in [
        ("Description", "description"),
        ("Instructions", "prompt_template"),
    ] {
        let words = text(value, &[key]).trim();
        if !words.is_empty() {
            preface.push_str(&format!("## {title}\n\n{}\n", crate::text::quoted(words)));
        }
    }
    let docs = value.get("docs").and_then(Value::as_array);
    for (number, document) in (1..).zip(docs.into_iter().flatten()) {
        let content = text(document, &["content"]);
        match content.trim().is_empty() {
            true => odd(number, "is a document without text"),
            false => preface.push_str(&format!(
                "## {}\n\n{}\n",
                crate::text::one_line(text(document, &["filename", "name"])),
                crate::text::quoted(content)
            )),
        }
    }
    Ok(Conversation {
        id: text(value, &["uuid", "id"]).to_owned(),
        title: format!("Project {}", text(value, &["name"])),
        created: time(value.get("created_at")),
        updated: time(value.get("updated_at")),
        preface,
        ..Conversation::default()
    })
}

/// Every text of a value under the keys that lead to it.
fn strings(value: &Value, at: &str, out: &mut String) {
    match value {
        Value::String(text) if !text.trim().is_empty() && !at.ends_with("uuid") => {
            out.push_str(&format!("## {at}\n\n{}\n", crate::text::quoted(text)));
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, at, out)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let below = match at {
                    "" => key.clone(),
                    at => format!("{at}, {key}"),
                };
                strings(value, &below, out);
            }
        }
        _ => {}
    }
}
