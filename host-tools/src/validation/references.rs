//! Schemas that also accept what crosses the channel outside of JSON.

use crate::table::TABLE_KEY;
use crate::tool::PART_KEY;
use crate::toolbox::{MANY, NAMED, ONE};
use serde_json::{Map, Value, json};

/// Names of places that references could lead to. Those of a schema that is accepted lead by
/// paths from its root, which names of its parts would change.
const PLACES: [&str; 5] = ["$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor"];

/// The schema, with `{"$part": n}` accepted where bytes are, and
/// `{"$table": …}` where a table is.
pub(super) fn accepted(schema: &Value) -> Value {
    let Value::Object(object) = schema else {
        return schema.clone();
    };
    let inner: Map<String, Value> = object
        .iter()
        .filter(|(key, _)| !PLACES.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), keyword(key, value)))
        .collect();
    let inner = match object.get("nullable") {
        Some(Value::Bool(true)) => nullable(inner),
        _ => inner,
    };
    let reference = if is_table(object) {
        let table = json!({ "type": "object" });
        json!({
            "type": "object", "required": [TABLE_KEY], "maxProperties": 1,
            "properties": { TABLE_KEY: table },
        })
    } else if is_binary(object) {
        let part = json!({ "type": "integer", "minimum": 0 });
        json!({
            "type": "object", "required": [PART_KEY], "maxProperties": 1,
            "properties": { PART_KEY: part },
        })
    } else {
        return Value::Object(inner);
    };
    let (mut outer, inner) = apart(inner);
    outer.insert("anyOf".to_owned(), json!([reference, inner]));
    Value::Object(outer)
}

/// The schema with null admitted, as the keyword of OpenAPI says.
fn nullable(mut schema: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::String(kind)) = schema.get("type") {
        let kinds = json!([kind, "null"]);
        schema.insert("type".to_owned(), kinds);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    let others = ["$ref", "allOf", "anyOf", "oneOf", "const"];
    if !others.iter().any(|key| schema.contains_key(*key)) {
        return schema;
    }
    let (mut outer, inner) = apart(schema);
    outer.insert("anyOf".to_owned(), json!([{ "type": "null" }, inner]));
    outer
}

/// Definitions stay where references look for them.
fn apart(schema: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let outside = ["$schema", "$defs", "definitions"];
    schema
        .into_iter()
        .partition(|(key, _)| outside.contains(&key.as_str()))
}

/// Whether the schema says that a value is a table.
pub(crate) fn is_table(schema: &Map<String, Value>) -> bool {
    let is = |key: &str| schema.get(key).is_some_and(|value| value == "table");
    is("x-memex-type") || is("format")
}

/// Whether the schema says that a text stands for bytes.
pub(crate) fn is_binary(schema: &Map<String, Value>) -> bool {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let is_text = match schema.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    };
    is_text
        && (matches!(text("format"), Some("binary" | "bytes" | "byte"))
            || text("contentEncoding") == Some("base64"))
}

fn keyword(key: &str, value: &Value) -> Value {
    let each = |values: &Vec<Value>| Value::Array(values.iter().map(accepted).collect());
    match value {
        Value::Array(schemas) if MANY.contains(&key) || key == "items" => each(schemas),
        Value::Object(schemas) if NAMED.contains(&key) => {
            let named = schemas.iter();
            Value::Object(named.map(|(name, s)| (name.clone(), accepted(s))).collect())
        }
        _ if ONE.contains(&key) => accepted(value),
        _ => value.clone(),
    }
}
