//! The body of a request, made from arguments.

use serde_json::{Map, Value};

use super::document::{Fields, shown};
use super::error::OutsideError;
use super::template::Template;
use memex_host_tools::ToolError;
use memex_policies::nearest;

const KINDS: &[&str] = &["form", "json", "text"];

/// How the arguments become a body.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// No body.
    None,
    /// A JSON object of the arguments that nothing else uses.
    Rest,
    /// A JSON value with arguments in it.
    Json(JsonTemplate),
    /// A form in URL encoding.
    Form(Vec<(String, Template)>),
    /// A text.
    Text(Template),
}

/// A JSON value in which texts are templates.
#[derive(Debug, Clone)]
pub(super) enum JsonTemplate {
    Fixed(Value),
    Text(Template),
    List(Vec<JsonTemplate>),
    Table(Vec<(String, JsonTemplate)>),
}

impl Body {
    pub(super) fn parse(fields: &Fields<'_>, method: &str) -> Result<Self, OutsideError> {
        let explain = || {
            fields.refusal(
                "field `body` must be \"arguments\", \"none\", or one of { json = … }, { form = {…} }, { text = \"…\" }",
            )
        };
        match fields.value("body") {
            None if matches!(method, "POST" | "PUT" | "PATCH") => Ok(Self::Rest),
            None => Ok(Self::None),
            Some(Value::String(word)) if word == "arguments" => Ok(Self::Rest),
            Some(Value::String(word)) if word == "none" => Ok(Self::None),
            Some(Value::Object(map)) => {
                let (key, value) = match map.iter().next() {
                    Some(first) if map.len() == 1 => first,
                    _ => return Err(explain()),
                };
                let wrap = |reason: String| fields.refusal(format!("field `body.{key}`: {reason}"));
                match (key.as_str(), value) {
                    ("json", value) => JsonTemplate::parse(value).map(Self::Json).map_err(wrap),
                    ("text", Value::String(text)) => {
                        Template::parse(text).map(Self::Text).map_err(wrap)
                    }
                    ("form", Value::Object(_)) => {
                        let form = fields.table("body")?.map(|body| body.pairs("form"));
                        templates(form.unwrap_or_else(|| Ok(Vec::new()))?)
                            .map(Self::Form)
                            .map_err(wrap)
                    }
                    (key, _) => Err(match nearest(key, KINDS) {
                        Some(near) if near != key => fields.refusal(format!(
                            "field `body`: unknown field `{}`; did you mean `{near}`?",
                            shown(key)
                        )),
                        _ => explain(),
                    }),
                }
            }
            Some(_) => Err(explain()),
        }
    }

    pub(super) fn parameters(&self) -> Vec<&str> {
        match self {
            Self::None | Self::Rest => Vec::new(),
            Self::Json(json) => json.parameters(),
            Self::Form(form) => form.iter().flat_map(|(_, t)| t.parameters()).collect(),
            Self::Text(text) => text.parameters().collect(),
        }
    }

    /// The body and its type.
    pub(super) fn render(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        used: &[String],
    ) -> Result<Option<(&'static str, Vec<u8>)>, ToolError> {
        Ok(match self {
            Self::None => None,
            Self::Rest => {
                let rest: Map<_, _> = arguments
                    .iter()
                    .filter(|(name, _)| !used.contains(name))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                Some((
                    "application/json",
                    Value::Object(rest).to_string().into_bytes(),
                ))
            }
            Self::Json(json) => {
                let value = json.render(tool, arguments)?.unwrap_or(Value::Null);
                Some(("application/json", value.to_string().into_bytes()))
            }
            Self::Form(form) => {
                let mut text = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in form {
                    if let Some(value) = value.render(tool, arguments)? {
                        text.append_pair(name, &value);
                    }
                }
                Some((
                    "application/x-www-form-urlencoded",
                    text.finish().into_bytes(),
                ))
            }
            Self::Text(text) => {
                let text = text.render(tool, arguments)?.unwrap_or_default();
                Some(("text/plain; charset=utf-8", text.into_bytes()))
            }
        })
    }
}

impl JsonTemplate {
    fn parse(value: &Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text)?),
            Value::Array(items) => {
                Self::List(items.iter().map(Self::parse).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => Self::Table(
                map.iter()
                    .map(|(key, item)| Ok((key.clone(), Self::parse(item)?)))
                    .collect::<Result<_, String>>()?,
            ),
            fixed => Self::Fixed(fixed.clone()),
        })
    }

    fn parameters(&self) -> Vec<&str> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Text(text) => text.parameters().collect(),
            Self::List(items) => items.iter().flat_map(Self::parameters).collect(),
            Self::Table(items) => items
                .iter()
                .flat_map(|(_, item)| item.parameters())
                .collect(),
        }
    }

    /// A text that is one parameter becomes its value, of whatever type; what
    /// has an absent parameter is left out.
    fn render(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Option<Value>, ToolError> {
        Ok(match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Text(text) => match text.alone() {
                Some(name) => arguments.get(name).cloned(),
                None => text.render(tool, arguments)?.map(Value::String),
            },
            Self::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(item.render(tool, arguments)?);
                }
                Some(Value::Array(list))
            }
            Self::Table(items) => {
                let mut map = Map::new();
                for (key, item) in items {
                    if let Some(value) = item.render(tool, arguments)? {
                        map.insert(key.clone(), value);
                    }
                }
                Some(Value::Object(map))
            }
        })
    }
}

/// Reads the values of a table of texts as templates.
pub(super) fn templates(pairs: Vec<(String, String)>) -> Result<Vec<(String, Template)>, String> {
    pairs
        .into_iter()
        .map(|(name, text)| match Template::parse(&text) {
            Ok(template) => Ok((name, template)),
            Err(reason) => Err(format!("`{name}`: {reason}")),
        })
        .collect()
}
