//! The function that stands for a tool.

use super::merging::merged;
use super::names;
use super::records::section;
use super::text;
use super::types::Type;
use super::walk::{Walk, description, properties};
use crate::toolbox::resolve;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

/// Most parameters that can be given by position.
const POSITIONAL_MAX: usize = 5;

/// Bounds of the integer types of Rust, which say nothing of the parameter.
const SIZES: [i64; 7] = [0, 127, -128, 255, 32_767, -32_768, 65_535];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) tool: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) parameters: Vec<Parameter>,
    /// The name and type of whatever else may be given.
    pub(super) others: Option<(String, Type)>,
    pub(super) returns: Option<Type>,
    pub(super) returns_description: String,
    /// Whether models are shown `async def`.
    pub(super) is_awaitable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    name: String,
    json_name: String,
    description: String,
    kind: Type,
    /// As it is written; `None` for required ones.
    default: Option<String>,
}

/// The parameters that a schema of arguments describes.
pub(super) fn parameters(
    walk: &mut Walk<'_>,
    root: &Value,
    function: &str,
) -> (Vec<Parameter>, Option<(String, Type)>) {
    let Some(schema) = arguments(root) else {
        return (Vec::new(), None);
    };
    // The body of the function uses these names.
    let mut taken = HashSet::from(["_call".to_owned(), function.to_owned()]);
    let mut parameters: Vec<Parameter> = properties(&schema)
        .into_iter()
        .map(|(json_name, property, required)| {
            let hint = format!("{}{}", names::pascal(function), names::pascal(json_name));
            let kind = walk.kind(property, &hint, 0);
            Parameter {
                name: names::variable(json_name, &mut taken),
                json_name: json_name.to_owned(),
                description: described(property),
                default: (!required).then(|| default(property, &kind)),
                kind,
            }
        })
        .collect();
    parameters.sort_by_key(|parameter| parameter.default.is_some());
    let others = match schema.get("additionalProperties") {
        Some(Value::Bool(true)) => Some(Type::Any),
        Some(other @ Value::Object(_)) => {
            let hint = format!("{}Other", names::pascal(function));
            Some(walk.kind(other, &hint, 0))
        }
        _ => None,
    };
    let others = others.map(|kind| (names::variable("arguments", &mut taken), kind));
    (parameters, others)
}

/// The schema of the arguments as one object: references followed, `allOf` put
/// together, the properties of alternatives all optional.
fn arguments(root: &Value) -> Option<Cow<'_, Map<String, Value>>> {
    let mut schema = root.as_object()?;
    // The shape of the schema has been checked: references end.
    while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        if schema.contains_key("properties") {
            break;
        }
        schema = resolve(root, reference)?.as_object()?;
    }
    let whole = merged(root, schema);
    if whole.contains_key("properties") {
        return Some(whole);
    }
    let forms = ["anyOf", "oneOf"]
        .into_iter()
        .find_map(|key| whole.get(key));
    let Some(Value::Array(forms)) = forms else {
        return Some(whole);
    };
    let mut all = Map::new();
    for form in forms.iter().filter_map(Value::as_object) {
        let target = form.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|reference| resolve(root, reference));
        let form = target.and_then(Value::as_object).unwrap_or(form);
        let form = merged(root, form);
        if let Some(Value::Object(properties)) = form.get("properties") {
            for (name, property) in properties {
                all.entry(name).or_insert_with(|| property.clone());
            }
        }
    }
    let mut schema = Map::new();
    schema.insert("properties".to_owned(), all.into());
    Some(Cow::Owned(schema))
}

/// The description of a parameter, with the bounds that its schema states.
fn described(schema: &Value) -> String {
    let mut told = description(schema);
    let sized = schema.get("format").is_some();
    for (key, words) in [("minimum", "at least"), ("maximum", "at most")] {
        if let Some(Value::Number(bound)) = schema.get(key)
            && !(sized && bound.as_i64().is_some_and(|bound| SIZES.contains(&bound)))
        {
            let gap = if told.is_empty() { "" } else { " " };
            let _ = write!(told, "{gap}({words} {bound})");
        }
    }
    told
}

/// The default that is shown: the schema's, where it is a short constant of the
/// parameter's type, and `...`, which is not sent, otherwise.
fn default(schema: &Value, kind: &Type) -> String {
    let shown = schema.get("default").filter(|value| {
        kind.accepts(match value {
            Value::Null => "None",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "int",
            Value::String(_) => "str",
            Value::Array(_) => "list",
            Value::Object(_) => "dict",
        })
    });
    shown
        .and_then(text::constant)
        .unwrap_or_else(|| "...".to_owned())
}

impl Signature {
    /// `def name(…) -> T`, as models are shown it.
    pub(super) fn line(&self) -> String {
        match self.is_awaitable {
            true => format!("async {}", self.plain_line()),
            false => self.plain_line(),
        }
    }

    fn plain_line(&self) -> String {
        let mut line = format!("def {}(", self.name);
        let mut between = "";
        for (index, parameter) in self.parameters.iter().enumerate() {
            if index == POSITIONAL_MAX {
                line.push_str(between);
                line.push('*');
            }
            line.push_str(between);
            let _ = write!(line, "{}: {}", parameter.name, parameter.kind);
            if let Some(default) = &parameter.default {
                let _ = write!(line, " = {default}");
            }
            between = ", ";
        }
        if let Some((name, kind)) = &self.others {
            let _ = write!(line, "{between}**{name}: {kind}");
        }
        line.push(')');
        if let Some(returns) = &self.returns {
            let _ = write!(line, " -> {returns}");
        }
        line
    }

    /// The function as the guest defines it.
    pub(super) fn source(&self) -> String {
        let mut arguments = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let key = text::literal(&parameter.json_name);
            arguments.push(format!("{key}: {}", parameter.name));
        }
        if let Some((name, _)) = &self.others {
            arguments.push(format!("**{name}"));
        }
        let call = format!(
            "return _call({}, {{{}}}, {})",
            text::literal(&self.tool),
            arguments.join(", "),
            self.name
        );
        match self.doc() {
            Some(doc) => format!("{}:\n    {doc}\n    {call}\n", self.plain_line()),
            None => format!("{}:\n    {call}\n", self.plain_line()),
        }
    }

    /// The signature and the docstring.
    pub(super) fn full(&self) -> String {
        match self.doc() {
            Some(doc) => format!("{}:\n    {doc}\n", self.line()),
            None => format!("{}: ...\n", self.line()),
        }
    }

    fn doc(&self) -> Option<String> {
        let mut doc = self.description.clone();
        let parameters = self.parameters.iter();
        let told = parameters.map(|p| (p.name.as_str(), p.description.as_str()));
        section(&mut doc, "Args", told);
        if !self.returns_description.is_empty() {
            let returned = text::summary(&self.returns_description);
            let gap = if doc.is_empty() { "" } else { "\n\n" };
            let _ = write!(doc, "{gap}Returns:\n    {returned}");
        }
        (!doc.is_empty()).then(|| text::docstring(&doc, "    "))
    }

    /// The signature and one line of what it does.
    pub(super) fn compact(&self) -> String {
        let summary = text::summary(&self.description);
        match summary.is_empty() {
            true => format!("{}: ...\n", self.line()),
            false => format!("{}: ...  # {summary}\n", self.line()),
        }
    }
}
