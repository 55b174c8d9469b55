//! Tool definitions as model APIs write them, read and written.

use serde_json::{Map, Value, json};

use super::document::shown;
use memex_host_tools::ToolSpec;
use memex_host_tools::{check_parameters, check_schema, mended, mended_parameters};

/// The most definitions in one array.
pub const DEFINITIONS_MAX: usize = 10_000;
/// The longest name of a tool.
pub const TOOL_NAME_MAX_BYTES: usize = 128;

/// How a model API writes a tool's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefinitionStyle {
    /// OpenAI chat completions: `{"type": "function", "function": {…}}`.
    ChatCompletions,
    /// OpenAI responses: `{"type": "function", "name": …, "parameters": …}`.
    Responses,
    /// Anthropic messages: `{"name": …, "input_schema": …}`.
    Messages,
}

/// Why a definition is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{definition}: {reason}")]
pub struct DefinitionError {
    /// The definition: by its name if it has one, else by its number from 1.
    pub definition: String,
    /// What is wrong.
    pub reason: String,
}

/// Reads an OpenAI `tools` array, in the style of chat completions or of
/// responses; each definition may have its own. An object with a `tools` array
/// is taken as well.
///
/// Neither style knows result schemas; an `output_schema` beside `parameters`
/// is taken as one.
///
/// # Errors
/// A definition that is no function, has no usable name or a wrong schema, two
/// of one name, and more than [`DEFINITIONS_MAX`].
pub fn openai_tool_specs(tools: &Value) -> Result<Vec<ToolSpec>, DefinitionError> {
    each(tools, |definition| {
        match definition.get("type").and_then(Value::as_str) {
            Some("function") => {}
            Some(other) => return Err(provider_tool(other)),
            None => return Err("`type` must be \"function\"".to_owned()),
        }
        match definition.get("function") {
            Some(Value::Object(function)) => spec(function, "parameters"),
            Some(_) => Err("`function` must be an object".to_owned()),
            None => spec(definition, "parameters"),
        }
    })
}

/// Reads an Anthropic `tools` array, or an object with one.
///
/// # Errors
/// As [`openai_tool_specs`]; tools that the provider runs itself are refused.
pub fn anthropic_tool_specs(tools: &Value) -> Result<Vec<ToolSpec>, DefinitionError> {
    each(tools, |definition| {
        match definition.get("type") {
            None | Some(Value::Null) => {}
            Some(Value::String(kind)) if kind == "custom" => {}
            Some(Value::String(other)) => return Err(provider_tool(other)),
            Some(_) => return Err("`type` must be \"custom\" or left out".to_owned()),
        }
        if !definition.contains_key("input_schema") {
            return Err("`input_schema` is missing".to_owned());
        }
        spec(definition, "input_schema")
    })
}

/// Writes `spec` as a definition for a model API. The name is left as it is;
/// the APIs take `[a-zA-Z0-9_-]{1,64}`.
#[must_use]
pub fn tool_definition(spec: &ToolSpec, style: DefinitionStyle) -> Value {
    let ToolSpec {
        name,
        description,
        parameters,
        ..
    } = spec;
    match style {
        DefinitionStyle::ChatCompletions => json!({
            "type": "function",
            "function": {"name": name, "description": description, "parameters": parameters},
        }),
        DefinitionStyle::Responses => json!({
            "type": "function",
            "name": name,
            "description": description,
            "parameters": parameters,
            "strict": false,
        }),
        DefinitionStyle::Messages => json!({
            "name": name,
            "description": description,
            "input_schema": parameters,
        }),
    }
}

/// Checks what every tool's name must be, wherever it comes from.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the name is empty".to_owned());
    }
    if name.len() > TOOL_NAME_MAX_BYTES {
        return Err(format!(
            "the name is longer than {TOOL_NAME_MAX_BYTES} bytes"
        ));
    }
    if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("the name contains white space or a control character".to_owned());
    }
    if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-.:/".contains(c))
    {
        return Err("a tool's name is made of ASCII letters, digits and `_ - . : /`".to_owned());
    }
    Ok(())
}

fn provider_tool(kind: &str) -> String {
    format!(
        "a tool of type `{}` is run by the provider of the model, not by this host",
        shown(kind)
    )
}

fn each(
    tools: &Value,
    read: impl Fn(&Map<String, Value>) -> Result<ToolSpec, String>,
) -> Result<Vec<ToolSpec>, DefinitionError> {
    let all = |reason: String| DefinitionError {
        definition: "tools".to_owned(),
        reason,
    };
    let array = tools.get("tools").unwrap_or(tools);
    let Value::Array(definitions) = array else {
        return Err(all("a list of tool definitions is expected".to_owned()));
    };
    if definitions.len() > DEFINITIONS_MAX {
        return Err(all(format!(
            "{} definitions are too many; the maximum is {DEFINITIONS_MAX}",
            definitions.len()
        )));
    }
    let mut names = std::collections::BTreeSet::new();
    let mut specs = Vec::with_capacity(definitions.len());
    for (index, definition) in definitions.iter().enumerate() {
        let spec = match definition {
            Value::Object(map) => read(map),
            _ => Err("a definition must be an object".to_owned()),
        };
        let spec = spec.and_then(|spec| match names.insert(spec.name.clone()) {
            true => Ok(spec),
            false => Err("this name is defined twice".to_owned()),
        });
        specs.push(spec.map_err(|reason| DefinitionError {
            definition: label(definition, index),
            reason,
        })?);
    }
    Ok(specs)
}

fn label(definition: &Value, index: usize) -> String {
    let function = definition.get("function").unwrap_or(definition);
    match function.get("name").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => format!("tool `{}`", shown(name)),
        _ => format!("definition {}", index + 1),
    }
}

/// The schema of a tool that takes nothing.
pub(super) fn nothing() -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

fn spec(definition: &Map<String, Value>, parameters: &str) -> Result<ToolSpec, String> {
    let text = |key: &str| match definition.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("`{key}` must be a text")),
    };
    let name = text("name")?;
    check_name(&name)?;
    let parameters = match definition.get(parameters) {
        None | Some(Value::Null) => nothing(),
        Some(found) => {
            let found = mended_parameters(found);
            check_parameters(&found)
                .map_err(|reason| format!("wrong schema in `{parameters}`: {reason}"))?;
            found
        }
    };
    let returns = match definition.get("output_schema") {
        None | Some(Value::Null) => None,
        Some(found) => {
            let found = mended(found);
            check_schema(&found)
                .map_err(|reason| format!("wrong schema in `output_schema`: {reason}"))?;
            Some(found)
        }
    };
    Ok(ToolSpec {
        name,
        description: text("description")?,
        parameters,
        returns,
        timeout: None,
    })
}
