//! Schemas that somebody else wrote, as far as their meaning is clear.
//!
//! Servers send schemas of many drafts, with `null` for what they leave out and keywords of the
//! wrong type. What such a keyword says is put in the words of draft 2020-12, or left out if it
//! says nothing that can be checked. What is wrong beyond that stays, and is refused later.

use super::shape::{MANY, NAMED, ONE, TYPES, resolve};
use crate::validation::Validator;
use serde_json::{Map, Value, json};

/// Keywords that say which draft a schema is of and where it lies. Nothing is looked up.
const OF_ITS_PLACE: [&str; 7] = [
    "$anchor",
    "$dynamicAnchor",
    "$id",
    "$recursiveAnchor",
    "$schema",
    "$vocabulary",
    "id",
];
const TEXTS: [&str; 6] = [
    "$comment",
    "contentEncoding",
    "contentMediaType",
    "description",
    "format",
    "title",
];
const NUMBERS: [&str; 5] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maximum",
    "minimum",
    "multipleOf",
];
const COUNTS: [&str; 8] = [
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
];
const FLAGS: [&str; 4] = ["deprecated", "readOnly", "uniqueItems", "writeOnly"];
/// Names that other languages have for the types.
const OTHER_TYPES: [(&str, &str); 15] = [
    ("bool", "boolean"),
    ("date", "string"),
    ("datetime", "string"),
    ("dict", "object"),
    ("double", "number"),
    ("enum", "string"),
    ("file", "string"),
    ("float", "number"),
    ("int", "integer"),
    ("list", "array"),
    ("long", "integer"),
    ("map", "object"),
    ("none", "null"),
    ("str", "string"),
    ("text", "string"),
];

/// A schema of somebody else with what can be mended mended.
#[must_use]
pub fn mended(schema: &Value) -> Value {
    let mut places = Places::default();
    if let Some(id) = schema.get("$id").or_else(|| schema.get("id")) {
        places.root = id.as_str().unwrap_or_default().to_owned();
    }
    places.find(schema, &mut String::new());
    let mut mended = schema.clone();
    walk(&mut mended, &places);
    drop_defaults(&mut mended);
    mended
}

/// As [`mended`], for the schema of a tool's arguments, which are an object.
#[must_use]
pub fn mended_parameters(schema: &Value) -> Value {
    let mut mended = match schema {
        Value::Object(_) => mended(schema),
        // An empty object, as some languages write it.
        Value::Array(items) if items.is_empty() => json!({}),
        Value::Null => json!({}),
        other => other.clone(),
    };
    if let Some(map) = mended.as_object_mut() {
        let may_be_object = |kind: &Value| {
            let kinds = kind.as_array().map(Vec::as_slice).unwrap_or_default();
            kinds.iter().any(|kind| kind == "object")
        };
        if map.get("type").is_none_or(may_be_object) {
            map.insert("type".to_owned(), Value::from("object"));
        }
    }
    mended
}

/// Where references to names lead.
#[derive(Default)]
struct Places {
    /// The address that the schema gives itself.
    root: String,
    /// Names of places, with pointers to them.
    anchors: Vec<(String, String)>,
}

impl Places {
    fn find(&mut self, value: &Value, at: &mut String) {
        let inner: Vec<(String, &Value)> = match value {
            Value::Object(map) => {
                for key in ["$anchor", "$dynamicAnchor", "$id", "id"] {
                    let name = map.get(key).and_then(Value::as_str);
                    let name = name.map(|name| name.trim_start_matches('#'));
                    if let Some(name) = name.filter(|name| !name.is_empty()) {
                        self.anchors.push((name.to_owned(), at.clone()));
                    }
                }
                let escaped = |key: &String| key.replace('~', "~0").replace('/', "~1");
                map.iter()
                    .map(|(key, value)| (escaped(key), value))
                    .collect()
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(index, value)| (index.to_string(), value))
                    .collect()
            }
            _ => return,
        };
        for (key, value) in inner {
            let length = at.len();
            at.push('/');
            at.push_str(&key);
            self.find(value, at);
            at.truncate(length);
        }
    }

    /// The reference as a pointer into the schema itself, if it leads there.
    fn pointer(&self, reference: &str) -> Option<String> {
        if reference == "#" || reference.starts_with("#/") {
            return None;
        }
        let inside = match reference.strip_prefix(&self.root) {
            Some(rest) if !self.root.is_empty() && (rest.is_empty() || rest.starts_with('#')) => {
                rest
            }
            _ => reference,
        };
        if inside.is_empty() || inside == "#" {
            return Some("#".to_owned());
        }
        if inside.starts_with("#/") {
            return Some(inside.to_owned());
        }
        let name = inside.trim_start_matches('#');
        let known = self.anchors.iter().find(|(known, _)| known == name);
        known.map(|(_, pointer)| format!("#{pointer}"))
    }
}

fn walk(schema: &mut Value, places: &Places) {
    let Value::Object(map) = schema else {
        return;
    };
    let required_ones = required_properties(map);
    tuples(map);
    bounds(map);
    nullable(map);
    map.retain(|key, value| keeps(key, value));
    for (key, value) in map.iter_mut() {
        match value {
            Value::String(reference) if key == "$ref" => {
                if let Some(pointer) = places.pointer(reference) {
                    *reference = pointer;
                }
            }
            Value::Array(schemas) if MANY.contains(&key.as_str()) || key == "items" => {
                schemas.iter_mut().for_each(|schema| walk(schema, places));
            }
            // An object without members, as some languages write it.
            Value::Array(members) if NAMED.contains(&key.as_str()) && members.is_empty() => {
                *value = json!({});
            }
            Value::Object(schemas) if NAMED.contains(&key.as_str()) => {
                schemas.retain(|_, schema| !schema.is_null());
                schemas.values_mut().for_each(|schema| walk(schema, places));
            }
            _ if ONE.contains(&key.as_str()) => walk(value, places),
            _ if key == "type" => types(value),
            Value::Array(values) if key == "required" || key == "enum" => unique(values),
            Value::String(text) if NUMBERS.contains(&key.as_str()) => {
                if let Ok(number) = text.parse::<f64>() {
                    *value = json!(number);
                }
            }
            _ => {}
        }
    }
    if !required_ones.is_empty() {
        let names = map.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(names) = names {
            names.extend(required_ones.into_iter().map(Value::from));
            unique(names);
        }
    }
}

/// Whether a keyword says something. `null` says nothing, but for values.
fn keeps(key: &str, value: &Value) -> bool {
    if OF_ITS_PLACE.contains(&key) || key == "dependencies" {
        return false;
    }
    if value.is_null() {
        return matches!(key, "const" | "default") || key.starts_with("x-");
    }
    let is_number = || match value {
        Value::String(text) => text.parse::<f64>().is_ok_and(f64::is_finite),
        other => other.is_number(),
    };
    match key {
        "required" => value
            .as_array()
            .is_some_and(|names| names.iter().all(Value::is_string)),
        "enum" => value.as_array().is_some_and(|values| !values.is_empty()),
        "examples" => value.is_array(),
        "pattern" => is_pattern(value),
        "type" => value.as_str() != Some("any") && value.as_str() != Some(""),
        _ if TEXTS.contains(&key) => value.is_string(),
        "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
        _ if NUMBERS.contains(&key) => is_number(),
        _ if COUNTS.contains(&key) => value
            .as_f64()
            .is_some_and(|count| count >= 0.0 && count.fract() == 0.0),
        _ if FLAGS.contains(&key) => value.is_boolean(),
        "patternProperties" => value.as_object().is_none_or(|schemas| {
            schemas
                .keys()
                .all(|pattern| is_pattern(&Value::from(pattern.as_str())))
        }),
        _ => true,
    }
}

/// Whether the engine of patterns takes a pattern; JavaScript's takes more.
fn is_pattern(pattern: &Value) -> bool {
    pattern.is_string() && Validator::compile(&json!({ "pattern": pattern })).is_ok()
}

/// The properties that say of themselves that they are required, as before draft 4.
fn required_properties(map: &mut Map<String, Value>) -> Vec<String> {
    let Some(Value::Object(properties)) = map.get_mut("properties") else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for (name, property) in properties {
        let Some(property) = property.as_object_mut() else {
            continue;
        };
        match property.get("required") {
            Some(Value::Bool(true)) => names.push(name.clone()),
            Some(Value::Bool(false)) => {}
            _ => continue,
        }
        property.remove("required");
    }
    names
}

/// `items: […]` of the drafts before 2020-12.
fn tuples(map: &mut Map<String, Value>) {
    if !matches!(map.get("items"), Some(Value::Array(_))) {
        return;
    }
    let items = map.remove("items").unwrap_or_default();
    map.entry("prefixItems").or_insert(items);
    if let Some(rest) = map.remove("additionalItems") {
        map.insert("items".to_owned(), rest);
    }
}

/// `exclusiveMinimum: true` of draft 4.
fn bounds(map: &mut Map<String, Value>) {
    for (flag, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        if let Some(is_exclusive) = map.get(flag).and_then(Value::as_bool) {
            map.remove(flag);
            if let Some(limit) = map.remove(bound) {
                let key = if is_exclusive { flag } else { bound };
                map.insert(key.to_owned(), limit);
            }
        }
    }
}

/// `nullable: true` of OpenAPI 3.0.
fn nullable(map: &mut Map<String, Value>) {
    if map.remove("nullable") != Some(Value::Bool(true)) {
        return;
    }
    match map.get_mut("type") {
        Some(Value::Array(kinds)) if !kinds.iter().any(|kind| kind == "null") => {
            kinds.push(Value::from("null"));
        }
        Some(kind) if kind.is_string() => *kind = json!([kind.clone(), "null"]),
        _ => return,
    }
    if let Some(Value::Array(values)) = map.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

fn types(kind: &mut Value) {
    match kind {
        Value::Array(kinds) => {
            kinds.iter_mut().for_each(types);
            unique(kinds);
        }
        Value::String(name) if !TYPES.contains(&name.as_str()) => {
            let lower = name.to_ascii_lowercase();
            let other = OTHER_TYPES.iter().find(|(other, _)| *other == lower);
            let other = other.map(|(_, known)| *known);
            if let Some(known) = other.or(TYPES.iter().find(|known| **known == lower).copied()) {
                *name = known.to_owned();
            }
        }
        _ => {}
    }
}

fn unique(values: &mut Vec<Value>) {
    let mut seen = std::collections::HashSet::new();
    values.retain(|value| seen.insert(value.to_string()));
}

/// Takes away the defaults that their own schemas refuse: sent, each would fail the call.
fn drop_defaults(schema: &mut Value) {
    let root = schema.clone();
    each_default(schema, &root);
}

fn each_default(schema: &mut Value, root: &Value) {
    match schema {
        Value::Object(map) => {
            let is_schema = map.contains_key("default") && map.len() > 1;
            if is_schema && !fits(map, root) {
                map.remove("default");
            }
            for (key, value) in map.iter_mut() {
                if !["default", "const", "enum", "examples"].contains(&key.as_str()) {
                    each_default(value, root);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_default(item, root)),
        _ => {}
    }
}

/// Whether a schema takes its own default, as far as that can be told.
fn fits(schema: &Map<String, Value>, root: &Value) -> bool {
    let Some(default) = schema.get("default") else {
        return true;
    };
    let mut own = schema.clone();
    own.remove("default");
    let referred = own.get("$ref").and_then(Value::as_str);
    if let Some(target) = referred.and_then(|reference| resolve(root, reference)) {
        let Value::Object(target) = target else {
            return true;
        };
        own.remove("$ref");
        own.extend(target.clone());
    }
    // What refers to more is not looked at.
    let own = Value::Object(own);
    if own.to_string().contains("\"$ref\"") {
        return true;
    }
    Validator::compile(&own).map_or(true, |compiled| compiled.check("", default).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_meanings_are_mended() {
        for (schema, expected) in [
            (
                json!({"properties": null, "required": null, "enum": null, "items": null, "$defs": null}),
                json!({}),
            ),
            (
                json!({"properties": {"a": null, "b": {"description": null, "type": "string"}}}),
                json!({"properties": {"b": {"type": "string"}}}),
            ),
            (
                json!({"minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false}),
                json!({"exclusiveMinimum": 0, "maximum": 9}),
            ),
            (
                json!({"items": [{"type": "string"}], "additionalItems": false}),
                json!({"prefixItems": [{"type": "string"}], "items": false}),
            ),
            (json!({"pattern": "^[\\w-.]+$"}), json!({})),
            (json!({"pattern": "^a+$"}), json!({"pattern": "^a+$"})),
            (json!({"examples": "abc", "minLength": "x"}), json!({})),
            (
                json!({"required": ["a", "b", "a"]}),
                json!({"required": ["a", "b"]}),
            ),
            (
                json!({"$schema": "http://x/y", "$id": "http://x/z", "$ref": "http://x/z#/$defs/A", "$defs": {"A": {}}}),
                json!({"$ref": "#/$defs/A", "$defs": {"A": {}}}),
            ),
            (
                json!({"$ref": "#A", "$defs": {"B": {"$anchor": "A", "type": "str"}}}),
                json!({"$ref": "#/$defs/B", "$defs": {"B": {"type": "string"}}}),
            ),
            (
                json!({"properties": {"a": {"required": true}, "b": {"required": false}}}),
                json!({"properties": {"a": {}, "b": {}}, "required": ["a"]}),
            ),
            (
                json!({"type": "string", "nullable": true, "enum": ["a"]}),
                json!({"type": ["string", "null"], "enum": ["a", null]}),
            ),
            (
                json!({"type": ["Integer", "int"]}),
                json!({"type": ["integer"]}),
            ),
            (json!({"type": "any"}), json!({})),
            (json!({"properties": []}), json!({"properties": {}})),
            // Names of properties are no keywords.
            (
                json!({"properties": {"id": {"type": "string"}, "required": {"type": "null"}}}),
                json!({"properties": {"id": {"type": "string"}, "required": {"type": "null"}}}),
            ),
        ] {
            assert_eq!(mended(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn defaults_that_do_not_fit_are_taken_away() {
        let schema = json!({
            "properties": {
                "a": {"enum": ["asc", "desc"], "default": "ascending"},
                "b": {"enum": ["asc", "desc"], "default": "asc"},
                "c": {"type": "integer", "maximum": 5, "default": 9},
                "d": {"$ref": "#/$defs/E", "default": "x"},
                "e": {"type": ["string", "null"], "default": null},
                "default": {"type": "string"},
            },
            "$defs": {"E": {"enum": ["y"]}},
        });
        let found = mended(&schema);
        let has = |name: &str| found["properties"][name].get("default").is_some();
        assert_eq!(
            ["a", "b", "c", "d", "e"].map(has),
            [false, true, false, false, true]
        );
        assert_eq!(found["properties"]["default"], json!({"type": "string"}));
    }

    #[test]
    fn arguments_are_an_object() {
        for (schema, expected) in [
            (json!(null), json!({"type": "object"})),
            (json!([]), json!({"type": "object"})),
            (
                json!({"type": ["object", "null"]}),
                json!({"type": "object"}),
            ),
            (json!({"type": null}), json!({"type": "object"})),
            (json!({"type": "array"}), json!({"type": "array"})),
        ] {
            assert_eq!(mended_parameters(&schema), expected, "{schema}");
        }
    }
}
