//! Questions about the toolbox. What a session may not call it cannot find.

use super::permission::Permission;
use super::settlement::answer;
use crate::python::Form;
use crate::tool::ToolError;
use crate::toolbox::{ToolEntry, Toolbox};
use crate::validation::clipped;
use memex_channel::Reply;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Most names that are resolved at once; the guest asks again for the rest.
const NAMES_MAX: usize = 1_024;
const FOUND_MAX: usize = 100;
const FOUND_DEFAULT: usize = 10;
const LISTED_MAX: usize = 1_000;
const LISTED_DEFAULT: usize = 100;
const NAME_MAX_CHARS: usize = 80;

#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
enum Question {
    Resolve {
        names: Vec<String>,
    },
    Search {
        text: String,
        #[serde(default)]
        limit: Option<usize>,
    },
    Describe {
        name: String,
    },
    List {
        #[serde(default)]
        offset: usize,
        #[serde(default)]
        limit: Option<usize>,
    },
}

pub(super) fn ask(permission: &Permission, head: &[u8]) -> Reply {
    let answered = serde_json::from_slice(head)
        .map_err(|error| {
            ToolError::new("ValueError", format!("the question is malformed: {error}"))
        })
        .and_then(|question| respond(permission, question))
        .and_then(|value| answer(&permission.budget, &value));
    answered.unwrap_or_else(|error| Reply::error(error.class, &error.message))
}

fn respond(permission: &Permission, question: Question) -> Result<Value, ToolError> {
    let toolbox = &permission.toolbox;
    let granted = |name: &str| permission.grants(name);
    match question {
        Question::Resolve { names } => {
            // A tool can be named by its own name, its identifier and its classes at once.
            let mut told: HashSet<&str> = HashSet::new();
            let tools: Vec<Value> = names
                .iter()
                .take(NAMES_MAX)
                .filter_map(|name| named(toolbox, name))
                .filter(|entry| granted(&entry.spec().name) && told.insert(entry.identifier()))
                .map(|entry| {
                    let (name, identifier) = (&entry.spec().name, entry.identifier());
                    let source = entry.source();
                    match entry.is_client() {
                        false => json!({ "name": name, "identifier": identifier, "source": source }),
                        true => json!({
                            "name": name, "identifier": identifier, "source": source, "client": true,
                        }),
                    }
                })
                .collect();
            Ok(json!({ "tools": tools }))
        }
        Question::Search { text, limit } => {
            let limit = limit.unwrap_or(FOUND_DEFAULT).min(FOUND_MAX);
            let found = toolbox.search(&text, limit, granted);
            let tools: Vec<Value> = found
                .into_iter()
                .map(|entry| {
                    let definition = entry.definition();
                    json!({
                        "name": entry.spec().name,
                        "identifier": entry.identifier(),
                        "summary": definition.summary(),
                        "signature": definition.signature(),
                    })
                })
                .collect();
            Ok(json!({ "tools": tools }))
        }
        Question::Describe { name } => {
            let entry = toolbox.get(&name).or_else(|| toolbox.by_identifier(&name));
            match entry.filter(|entry| granted(&entry.spec().name)) {
                Some(entry) => Ok(json!({ "stub": entry.stub(Form::Full) })),
                None => Err(unknown(permission, &name)),
            }
        }
        Question::List { offset, limit } => {
            let limit = limit.unwrap_or(LISTED_DEFAULT).min(LISTED_MAX);
            let visible: Vec<&ToolEntry> = toolbox
                .iter()
                .filter(|entry| granted(&entry.spec().name))
                .collect();
            let tools: Vec<Value> = visible
                .iter()
                .skip(offset)
                .take(limit)
                .map(|entry| {
                    json!({
                        "name": entry.spec().name,
                        "identifier": entry.identifier(),
                        "summary": entry.summary(),
                    })
                })
                .collect();
            Ok(json!({ "tools": tools, "total": visible.len() }))
        }
    }
}

/// The tool that code means by a name: its identifier in Python, its own name, or
/// one of the classes that its stub shows. Classes begin with a capital letter.
fn named<'a>(toolbox: &'a Toolbox, name: &str) -> Option<&'a ToolEntry> {
    let by_class = || {
        let is_class = name.starts_with(|c: char| c.is_ascii_uppercase());
        is_class.then(|| toolbox.by_class(name)).flatten()
    };
    let known = toolbox.by_identifier(name).or_else(|| toolbox.get(name));
    known.or_else(by_class)
}

fn unknown(permission: &Permission, name: &str) -> ToolError {
    let shown = clipped(name, NAME_MAX_CHARS);
    let near = permission
        .toolbox
        .close_matches(&shown, |known| permission.grants(known));
    let hint = match near.as_slice() {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    };
    ToolError::new(
        "KeyError",
        format!("there is no tool called {shown:?}{hint}"),
    )
}
