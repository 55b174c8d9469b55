//! Texts with `{parameter}` in them.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::document::shown;
use memex_host_tools::ToolError;
use memex_policies::nearest;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

/// A text with parameters. `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '{' if rest.next_if_eq(&'{').is_some() => literal.push('{'),
                '}' if rest.next_if_eq(&'}').is_some() => literal.push('}'),
                '}' => return Err("a lone `}`; write `}}` for a brace".to_owned()),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some('{') | None => {
                                return Err(
                                    "`{` without its `}`; write `{{` for a brace".to_owned()
                                );
                            }
                            Some(c) => name.push(c),
                        }
                    }
                    if name.is_empty() {
                        return Err("`{}` names no parameter".to_owned());
                    }
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Parameter(name));
                }
                c => literal.push(c),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self { pieces })
    }

    /// The names of the parameters, in order.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The parameter of which the text consists alone.
    pub(super) fn alone(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Parameter(name)] => Some(name),
            _ => None,
        }
    }

    /// The text, if it has no parameters.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with every parameter as it is written; `None` if one is absent.
    pub(super) fn render(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Option<String>, ToolError> {
        self.render_with(tool, arguments, str::to_owned)
    }

    /// The same, with every argument written by `write`.
    pub(super) fn render_with(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        write: impl Fn(&str) -> String,
    ) -> Result<Option<String>, ToolError> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Parameter(name) => {
                    match arguments.get(name).filter(|value| !value.is_null()) {
                        None => return Ok(None),
                        Some(value) => text.push_str(&write(&scalar(tool, name, value)?)),
                    }
                }
            }
        }
        Ok(Some(text))
    }
}

/// Refuses parameters that the schema does not declare.
pub(super) fn check_parameters<'t>(
    mut used: impl Iterator<Item = &'t str>,
    schema: &Value,
) -> Result<(), String> {
    let declared: Vec<&str> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default();
    match used.find(|name| !declared.contains(name)) {
        None => Ok(()),
        Some(name) => Err(match nearest(name, &declared) {
            Some(near) => format!(
                "`{{{}}}` is no parameter of the schema; did you mean `{near}`?",
                shown(name)
            ),
            None => format!("`{{{}}}` is no parameter of the schema", shown(name)),
        }),
    }
}

/// The text of an argument that stands within another text.
pub(super) fn scalar(tool: &str, name: &str, value: &Value) -> Result<String, ToolError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(ToolError::new(
            "TypeError",
            format!("{tool}: {name}: must be a text, a number or a boolean"),
        )),
    }
}

/// Percent-encodes everything but letters, digits, `-`, `_`, `.` and `~`.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                // Writing to a text cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
