//! What is wrong with arguments, in words for whoever wrote the call.

use super::formats;
use crate::tool::ToolError;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::LocationSegment;
use serde_json::Value;

const VALUE_MAX_CHARS: usize = 80;
const OPTIONS_MAX_CHARS: usize = 300;
/// How far into nested alternatives a message looks.
const ALTERNATIVES_DEPTH_MAX: usize = 4;

struct Finding {
    class: &'static str,
    path: String,
    what: String,
}

/// `NAME: FIELD.PATH: what is wrong`.
pub(super) fn refusal(name: &str, arguments: &Value, error: &ValidationError<'_>) -> ToolError {
    let Finding { class, path, what } = explain(error, 0);
    let path = if path.is_empty() { "arguments" } else { &path };
    let hint = match error.kind() {
        Kind::AdditionalProperties { .. } | Kind::Required { .. } => given(arguments, path),
        _ => String::new(),
    };
    ToolError::new(class, format!("{name}: {path}: {what}{hint}"))
}

/// `FIELD.PATH: what is wrong` with a result.
pub(super) fn misfit(error: &ValidationError<'_>) -> String {
    let Finding { path, what, .. } = explain(error, 0);
    match path.is_empty() {
        true => what,
        false => format!("{path}: {what}"),
    }
}

/// The text, cut to `max` characters.
pub(crate) fn clipped(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A nearby name among those given, for a field that is missing.
fn given(arguments: &Value, path: &str) -> String {
    let names = arguments.as_object().into_iter().flat_map(|map| map.keys());
    let near = names
        .filter(|name| *name != path)
        .map(|name| (strsim::jaro_winkler(name, path), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, name)) => format!(" (given: `{}`)", clipped(name, VALUE_MAX_CHARS)),
        None => String::new(),
    }
}

fn explain(error: &ValidationError<'_>, depth: usize) -> Finding {
    let mut path = String::new();
    for segment in error.instance_path() {
        match segment {
            LocationSegment::Property(name) => push(&mut path, &name),
            LocationSegment::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    let (class, what) = match error.kind() {
        Kind::Required { property } => {
            push(&mut path, property.as_str().unwrap_or_default());
            ("TypeError", "it is required and missing".to_owned())
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            push(&mut path, unexpected.first().map_or("", String::as_str));
            ("TypeError", "there is no such field".to_owned())
        }
        Kind::FalseSchema => ("TypeError", "nothing is allowed here".to_owned()),
        Kind::Type { kind } => {
            let found = error.instance();
            let what = format!("expected {}, got {}", types(kind), described(found));
            ("TypeError", what)
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            return alternatives(path, error, context, depth);
        }
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<String> = options.iter().map(ToString::to_string).collect();
            let options = clipped(&options.join(", "), OPTIONS_MAX_CHARS);
            let found = short(error.instance());
            ("ValueError", format!("{found} is not one of {options}"))
        }
        Kind::Pattern { pattern } => {
            let found = short(error.instance());
            let pattern = clipped(pattern, VALUE_MAX_CHARS);
            ("ValueError", format!("{found} does not match {pattern:?}"))
        }
        Kind::Format { format } => {
            let found = short(error.instance());
            (
                "ValueError",
                format!("{found} is not {}", formats::example(format)),
            )
        }
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => (
            "ValueError",
            "the text takes too long to compare with the field's pattern".to_owned(),
        ),
        Kind::Minimum { limit } => ("ValueError", bound(error, "at least", limit)),
        Kind::Maximum { limit } => ("ValueError", bound(error, "at most", limit)),
        Kind::ExclusiveMinimum { limit } => ("ValueError", bound(error, "more than", limit)),
        Kind::ExclusiveMaximum { limit } => ("ValueError", bound(error, "less than", limit)),
        Kind::MinLength { limit } => ("ValueError", length("at least", *limit, "character")),
        Kind::MaxLength { limit } => ("ValueError", length("at most", *limit, "character")),
        Kind::MinItems { limit } => ("ValueError", length("at least", *limit, "item")),
        Kind::MaxItems { limit } => ("ValueError", length("at most", *limit, "item")),
        _ => ("ValueError", clipped(&error.to_string(), OPTIONS_MAX_CHARS)),
    };
    Finding { class, path, what }
}

/// None of several forms fits: says which types would, or else what is wrong
/// with the form that comes closest.
fn alternatives(
    path: String,
    error: &ValidationError<'_>,
    context: &[Vec<ValidationError<'static>>],
    depth: usize,
) -> Finding {
    let here = error.instance_path();
    let mut kinds = Vec::new();
    let mut closest = None;
    for errors in context {
        let Some(first) = errors.first() else {
            continue;
        };
        match first.kind() {
            Kind::Type { kind } if first.instance_path() == here => kinds.push(types(kind)),
            _ => closest = closest.or(Some(first)),
        }
    }
    match closest {
        Some(error) if depth < ALTERNATIVES_DEPTH_MAX => explain(error, depth + 1),
        _ if kinds.is_empty() => Finding {
            class: "ValueError",
            path,
            what: format!("{} fits none of the allowed forms", short(error.instance())),
        },
        _ => {
            kinds.dedup();
            let (kinds, found) = (kinds.join(" or "), described(error.instance()));
            Finding {
                class: "TypeError",
                path,
                what: format!("expected {kinds}, got {found}"),
            }
        }
    }
}

fn push(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(&clipped(name, VALUE_MAX_CHARS));
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => python_type(&kind.to_string()).to_owned(),
        TypeKind::Multiple(kinds) => {
            let kinds: Vec<String> = kinds.iter().map(|kind| kind.to_string()).collect();
            let kinds: Vec<&str> = kinds.iter().map(|kind| python_type(kind)).collect();
            kinds.join(" or ")
        }
    }
}

fn python_type(json: &str) -> &str {
    match json {
        "string" => "str",
        "integer" => "int",
        "number" => "float",
        "boolean" => "bool",
        "null" => "None",
        "array" => "list",
        "object" => "dict",
        other => other,
    }
}

fn described(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "None".to_owned(),
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(map) if map.contains_key(crate::tool::PART_KEY) => return "bytes".to_owned(),
        Value::Object(map) if map.contains_key(crate::table::TABLE_KEY) => {
            return "DataFrame".to_owned();
        }
        Value::Object(_) => "dict",
    };
    format!("{kind} {}", short(value))
}

fn short(value: &Value) -> String {
    clipped(&value.to_string(), VALUE_MAX_CHARS)
}

fn bound(error: &ValidationError<'_>, relation: &str, limit: &Value) -> String {
    format!("{} is not {relation} {limit}", short(error.instance()))
}

fn length(relation: &str, limit: u64, unit: &str) -> String {
    let plural = if limit == 1 { "" } else { "s" };
    format!("it must have {relation} {limit} {unit}{plural}")
}
