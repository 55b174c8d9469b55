//! Schemas as the Python a model writes: types of arguments, and values by example.

use serde_json::{Map, Value};

/// Schemas in one another that are spelled out.
const DEPTH_MAX: usize = 6;
/// Most members of an object, or values of an enum, that are spelled out.
const MEMBERS_MAX: usize = 40;

/// The type of a value: `list[dict]`, `str | None`.
pub(super) fn kind(schema: &Value, root: &Value) -> String {
    kind_at(schema, root, DEPTH_MAX)
}

fn kind_at(schema: &Value, root: &Value, depth: usize) -> String {
    let Some(map) = target(schema, root).filter(|_| depth > 0) else {
        return "Any".to_owned();
    };
    if let Some(Value::Array(values)) = map.get("enum") {
        let texts: Vec<String> = values.iter().take(MEMBERS_MAX).map(literal).collect();
        return match values.len() <= MEMBERS_MAX {
            true => format!("Literal[{}]", texts.join(", ")),
            false => format!("Literal[{}, …]", texts.join(", ")),
        };
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(forms)) = map.get(key) {
            let mut kinds: Vec<String> = Vec::new();
            for form in forms {
                let form = kind_at(form, root, depth - 1);
                if !kinds.contains(&form) {
                    kinds.push(form);
                }
            }
            return kinds.join(" | ");
        }
    }
    let named = |name: &str| -> String {
        match name {
            "string" => match map.get("format").and_then(Value::as_str) {
                Some("date") => "date",
                Some("date-time") => "datetime",
                _ => "str",
            }
            .to_owned(),
            "integer" => "int".to_owned(),
            "number" => "float".to_owned(),
            "boolean" => "bool".to_owned(),
            "null" => "None".to_owned(),
            "object" => "dict".to_owned(),
            "array" => match map.get("items") {
                Some(items) => format!("list[{}]", kind_at(items, root, depth - 1)),
                None => "list".to_owned(),
            },
            _ => "Any".to_owned(),
        }
    };
    match map.get("type") {
        Some(Value::String(name)) => named(name),
        Some(Value::Array(names)) => {
            let names: Vec<String> = names.iter().filter_map(Value::as_str).map(named).collect();
            names.join(" | ")
        }
        _ if map.contains_key("properties") => "dict".to_owned(),
        _ => "Any".to_owned(),
    }
}

/// A value of the schema as it is written, where its type leaves that open:
/// `[{"product": str, "units": int}, …]`.
pub(super) fn written(schema: &Value, root: &Value) -> Option<String> {
    let shown = written_at(schema, root, DEPTH_MAX);
    shown.contains('{').then_some(shown)
}

fn written_at(schema: &Value, root: &Value, depth: usize) -> String {
    let Some(map) = target(schema, root).filter(|_| depth > 0) else {
        return "…".to_owned();
    };
    if let Some(Value::Object(properties)) = map.get("properties") {
        let required = required(map);
        let members = properties.iter().take(MEMBERS_MAX).map(|(name, property)| {
            let optional = match required.contains(&name.as_str()) {
                true => "",
                false => " (optional)",
            };
            format!(
                "{}: {}{optional}",
                literal(&Value::from(name.as_str())),
                written_at(property, root, depth - 1)
            )
        });
        let mut members: Vec<String> = members.collect();
        if properties.len() > MEMBERS_MAX {
            members.push("…".to_owned());
        }
        return format!("{{{}}}", members.join(", "));
    }
    if map.get("type").and_then(Value::as_str) == Some("array")
        && let Some(items) = map.get("items")
    {
        return format!("[{}, …]", written_at(items, root, depth - 1));
    }
    match map.get("additionalProperties") {
        Some(values @ Value::Object(_)) => {
            format!("{{str: {}, …}}", written_at(values, root, depth - 1))
        }
        _ => kind_at(schema, root, depth),
    }
}

/// The names of the properties that have to be there.
pub(super) fn required(map: &Map<String, Value>) -> Vec<&str> {
    let names = map.get("required").and_then(Value::as_array);
    names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The schema itself, or what it refers to within the root.
fn target<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a Map<String, Value>> {
    let mut map = schema.as_object()?;
    for _ in 0..DEPTH_MAX {
        let Some(reference) = map.get("$ref").and_then(Value::as_str) else {
            break;
        };
        map = root.pointer(reference.strip_prefix('#')?)?.as_object()?;
    }
    Some(map)
}

/// A constant as Python writes it.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        // Python reads JSON's escapes of texts.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{kind, written};
    use serde_json::json;

    #[test]
    fn schemas_read_as_python() {
        let record = json!({ "type": "object", "required": ["product"],
            "properties": { "product": { "type": "string" }, "units": { "type": ["integer", "null"] } } });
        let table = [
            (
                json!({ "type": "array", "items": record }),
                "list[dict]",
                Some(r#"[{"product": str, "units": int | None (optional)}, …]"#),
            ),
            (
                json!({ "enum": ["a", null] }),
                r#"Literal["a", None]"#,
                None,
            ),
            (
                json!({ "type": "object", "additionalProperties": { "type": "number" } }),
                "dict",
                Some("{str: float, …}"),
            ),
            (
                json!({ "$ref": "#/$defs/D", "$defs": { "D": { "type": "string", "format": "date" } } }),
                "date",
                None,
            ),
            (json!({ "$ref": "#" }), "Any", None),
        ];
        for (schema, kind_wanted, written_wanted) in table {
            assert_eq!(kind(&schema, &schema), kind_wanted);
            assert_eq!(written(&schema, &schema).as_deref(), written_wanted);
        }
    }
}
