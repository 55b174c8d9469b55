//! The function that stands for a tool.

use super::merging::merged;
use super::names;
use super::records::{push_comment, section};
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

/// Longest description that stands behind its function; a summary shows all of it.
const SAME_LINE_MAX: usize = 100;
/// A default that is not sent.
const UNSENT: &str = "...";
/// References in a row that are followed to see whether a default is admitted.
const REFERENCES_MAX: usize = 16;

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
    /// Whether `None`, which the schema does not admit, leaves it out.
    is_omitted_by_none: bool,
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
            let is_omitted_by_none = !required && !kind.accepts("None");
            Parameter {
                name: names::variable(json_name, &mut taken),
                json_name: json_name.to_owned(),
                description: described(property),
                default: (!required).then(|| match default(root, property, &kind) {
                    unsent if unsent == UNSENT && is_omitted_by_none => "None".to_owned(),
                    default => default,
                }),
                is_omitted_by_none,
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
/// parameter's type that the schema admits, and `...`, which is not sent, otherwise.
fn default(root: &Value, schema: &Value, kind: &Type) -> String {
    let shown = schema.get("default").filter(|value| {
        is_admitted(root, schema, value)
            && kind.accepts(match value {
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
        .unwrap_or_else(|| UNSENT.to_owned())
}

/// Whether a default is one of the values that its own schema lists, and within
/// the bounds that it states. Servers send others, which would fail every call.
fn is_admitted(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut schema = schema;
    for _ in 0..REFERENCES_MAX {
        if let Some(Value::Array(values)) = schema.get("enum")
            && !values.contains(value)
        {
            return false;
        }
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        let size = match value {
            Value::String(text) => Some(text.chars().count() as f64),
            _ => None,
        };
        let above = |bound: Option<f64>, at: Option<f64>| matches!((bound, at), (Some(bound), Some(at)) if at > bound);
        let below = |bound: Option<f64>, at: Option<f64>| matches!((bound, at), (Some(bound), Some(at)) if at < bound);
        let number = value.as_f64();
        if schema.get("const").is_some_and(|only| only != value)
            || below(bound("minimum"), number)
            || above(bound("maximum"), number)
            || below(bound("minLength"), size)
            || above(bound("maxLength"), size)
        {
            return false;
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        match reference.and_then(|reference| resolve(root, reference)) {
            Some(target) => schema = target,
            None => return true,
        }
    }
    true
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
            let name = &parameter.name;
            arguments.push(match parameter.is_omitted_by_none {
                true => format!("{key}: ... if {name} is None else {name}"),
                false => format!("{key}: {name}"),
            });
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

    /// The signature, and all that is said of it on lines below.
    pub(super) fn described(&self) -> String {
        let description = text::one_line(&self.description);
        let said = self.parameters.iter().any(|p| !p.description.is_empty());
        if !said && self.returns_description.is_empty() && description.len() <= SAME_LINE_MAX {
            return self.compact();
        }
        let mut text = format!("{}: ...\n", self.line());
        push_comment(&mut text, "", &description);
        for parameter in &self.parameters {
            push_comment(&mut text, &parameter.name, &parameter.description);
        }
        push_comment(&mut text, "returns", &self.returns_description);
        text
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
