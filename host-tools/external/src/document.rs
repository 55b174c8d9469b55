//! TOML or JSON as one shape, read field by field with refusals that teach.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::error::OutsideError;
use memex_policies::nearest;

/// The version of tool files.
pub const TOOL_FILE_VERSION: u64 = 1;
/// The longest tool file, and the longest schema or definitions file.
pub const TOOL_FILE_MAX_BYTES: u64 = 8 << 20;

/// The longest name that messages show.
const SHOWN_MAX_CHARS: usize = 80;

/// The languages of tool files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFileFormat {
    /// TOML.
    Toml,
    /// JSON of the same shape.
    Json,
}

impl ToolFileFormat {
    /// JSON for a name that ends in `.json`, TOML for all others.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("json") => Self::Json,
            _ => Self::Toml,
        }
    }
}

/// Reads a text of bounded length.
pub(super) fn read(path: &Path) -> Result<String, OutsideError> {
    use std::io::Read;
    let unreadable = |error: std::io::Error| OutsideError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(unreadable)?
        .take(TOOL_FILE_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > TOOL_FILE_MAX_BYTES {
        return Err(OutsideError::TooLong {
            origin: path.display().to_string(),
            bytes: bytes.len() as u64,
            maximum: TOOL_FILE_MAX_BYTES,
        });
    }
    String::from_utf8(bytes).map_err(|error| OutsideError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Parses `text` into one JSON value.
pub(super) fn parse(
    text: &str,
    format: ToolFileFormat,
    origin: &str,
) -> Result<Value, OutsideError> {
    let bytes = text.len() as u64;
    if bytes > TOOL_FILE_MAX_BYTES {
        return Err(OutsideError::TooLong {
            origin: origin.to_owned(),
            bytes,
            maximum: TOOL_FILE_MAX_BYTES,
        });
    }
    let syntax = |message: String| OutsideError::Syntax {
        origin: origin.to_owned(),
        message: message.trim_end().to_owned(),
    };
    match format {
        ToolFileFormat::Json => {
            serde_json::from_str(text).map_err(|error| syntax(error.to_string()))
        }
        ToolFileFormat::Toml => {
            let table: toml::Table =
                toml::from_str(text).map_err(|error| syntax(error.to_string()))?;
            // The values know nothing of their order, which is that of a
            // function's parameters; the syntax tree does.
            let tree = DeTable::parse(text).map_err(|error| syntax(error.to_string()))?;
            object(table, tree.get_ref()).map_err(syntax)
        }
    }
}

/// An object with its keys in the order of the text.
fn object(table: toml::Table, tree: &DeTable<'_>) -> Result<Value, String> {
    let places: HashMap<&str, (usize, &DeValue<'_>)> = tree
        .iter()
        .map(|(key, value)| {
            let name: &str = key.get_ref();
            (name, (key.span().start, value.get_ref()))
        })
        .collect();
    let mut entries = Vec::with_capacity(table.len());
    for (key, item) in table {
        let place = places.get(key.as_str()).copied();
        let (start, tree) = place.map_or((0, None), |(start, tree)| (start, Some(tree)));
        entries.push((start, key, json(item, tree)?));
    }
    entries.sort_by_key(|(start, ..)| *start);
    let entries = entries.into_iter().map(|(_, key, item)| (key, item));
    Ok(Value::Object(entries.collect()))
}

fn json(value: toml::Value, tree: Option<&DeValue<'_>>) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("{number} is no number of JSON"))?,
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => {
            let trees = match tree {
                Some(DeValue::Array(trees)) => Some(trees),
                _ => None,
            };
            let items = items.into_iter().enumerate().map(|(index, item)| {
                let tree = trees.and_then(|trees| trees.get(index));
                json(item, tree.map(toml::Spanned::get_ref))
            });
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => match tree {
            Some(DeValue::Table(tree)) => object(table, tree)?,
            _ => object(table, &DeTable::new())?,
        },
    })
}

/// A table of the document that knows its place.
pub(super) struct Fields<'a> {
    /// The file, and the tool once its name is known.
    pub(super) place: String,
    /// Where files that the table names are looked for.
    pub(super) directory: PathBuf,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(super) fn open(
        place: impl Into<String>,
        directory: &Path,
        value: &'a Value,
    ) -> Result<Self, OutsideError> {
        let place = place.into();
        match value {
            Value::Object(map) => Ok(Self {
                place,
                directory: directory.to_owned(),
                map,
            }),
            other => Err(OutsideError::Declaration {
                place,
                reason: format!("a table is expected, not {}", kind(other)),
            }),
        }
    }

    /// Refuses every field that is not one of `known`.
    pub(super) fn expect(&self, known: &[&str]) -> Result<(), OutsideError> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let advice = match nearest(key, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known fields are {}", list(known)),
                };
                Err(self.refusal(format!("unknown field `{}`; {advice}", shown(key))))
            }
        }
    }

    pub(super) fn refusal(&self, reason: impl Into<String>) -> OutsideError {
        OutsideError::Declaration {
            place: self.place.clone(),
            reason: reason.into(),
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, OutsideError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "a text", other)),
        }
    }

    pub(super) fn require(&self, key: &str, what: &str) -> Result<&'a str, OutsideError> {
        match self.text(key)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.refusal(format!("field `{key}` is missing: {what}"))),
        }
    }

    /// A whole number from 1 to `maximum`.
    pub(super) fn number(
        &self,
        key: &str,
        default: u64,
        maximum: u64,
    ) -> Result<u64, OutsideError> {
        let Some(value) = self.value(key) else {
            return Ok(default);
        };
        match value.as_u64() {
            Some(number) if (1..=maximum).contains(&number) => Ok(number),
            _ => Err(self.refusal(format!(
                "field `{key}` must be a whole number from 1 to {maximum}"
            ))),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, OutsideError> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.wrong(key, "true or false", other)),
        }
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, OutsideError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let texts = value.as_array().and_then(|items| {
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect()
        });
        texts
            .map(Some)
            .ok_or_else(|| self.wrong(key, "a list of texts", value))
    }

    pub(super) fn pairs(&self, key: &str) -> Result<Vec<(String, String)>, OutsideError> {
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let pairs = value.as_object().and_then(|map| {
            map.iter()
                .map(|(key, item)| Some((key.clone(), item.as_str()?.to_owned())))
                .collect()
        });
        pairs.ok_or_else(|| self.wrong(key, "a table of texts", value))
    }

    pub(super) fn table(&self, key: &str) -> Result<Option<Fields<'a>>, OutsideError> {
        self.value(key)
            .map(|value| Fields::open(format!("{}: `{key}`", self.place), &self.directory, value))
            .transpose()
    }

    /// The tables of `[[key]]`, each with its number from 1.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Fields<'a>>, OutsideError> {
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let items = value
            .as_array()
            .ok_or_else(|| self.wrong(key, &format!("a list of tables, [[{key}]]"), value))?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let place = match item.get("name").and_then(Value::as_str) {
                    Some(name) => format!("{}: {key} `{}`", self.place, shown(name)),
                    None => format!("{}: {key} {}", self.place, index + 1),
                };
                Fields::open(place, &self.directory, item)
            })
            .collect()
    }

    /// The value of `key` itself, or of the JSON file that it names.
    pub(super) fn value_or_file(&self, key: &str) -> Result<Option<Value>, OutsideError> {
        match self.value(key) {
            Some(Value::String(name)) => {
                let path = self.directory.join(name);
                let text = read(&path).map_err(|error| self.refusal(error.to_string()))?;
                let origin = format!("{}: {}", self.place, path.display());
                parse(&text, ToolFileFormat::Json, &origin).map(Some)
            }
            other => Ok(other.cloned()),
        }
    }

    pub(super) fn wrong(&self, key: &str, expected: &str, found: &Value) -> OutsideError {
        self.refusal(format!(
            "field `{key}` must be {expected}, not {}",
            kind(found)
        ))
    }
}

/// `a`, `b` and `c`, for messages.
pub(super) fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// A name as messages show it: printable and short.
pub(super) fn shown(name: &str) -> String {
    let mut clean = String::new();
    for c in name.chars().take(SHOWN_MAX_CHARS) {
        match c.is_control() {
            true => clean.extend(c.escape_default()),
            false => clean.push(c),
        }
    }
    clean
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
