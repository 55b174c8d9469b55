//! Whether a schema has the shape of one: what can be known without compiling
//! it, and what bounds the work of everything that walks it later.

use crate::Error;
use memex_policies::nearest;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// Deepest nesting of a schema's JSON.
pub const SCHEMA_DEPTH_MAX: usize = 64;
/// Most JSON values in a schema.
pub const SCHEMA_NODES_MAX: usize = 50_000;

/// Most schemas that apply to one value, through references and combinations.
const APPLIED_SCHEMAS_MAX: usize = 10_000;
/// Characters of a schema that an error shows.
const SHOWN_CHARS_MAX: usize = 200;
/// Longest chain of schemas that apply to one value, each by the one before.
const APPLIED_CHAIN_MAX: usize = 16;

pub(super) const TYPES: [&str; 7] = [
    "object", "array", "string", "integer", "number", "boolean", "null",
];
/// Keywords whose value is a schema.
pub(crate) const ONE: [&str; 11] = [
    "additionalProperties",
    "additionalItems",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is an array of schemas.
pub(crate) const MANY: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is an object of schemas.
pub(crate) const NAMED: [&str; 5] = [
    "$defs",
    "definitions",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

pub(super) fn check(tool: &str, which: &'static str, schema: &Value) -> Result<(), Error> {
    let checked = match which {
        "parameters" => check_parameters(schema),
        _ => check_schema(schema),
    };
    checked.map_err(|problem| Error::Schema {
        tool: tool.to_owned(),
        which,
        at: problem.place(),
        reason: problem.reason,
    })
}

/// Checks the schema of a tool's arguments.
///
/// # Errors
/// Says what cannot be used, and where.
pub fn check_parameters(schema: &Value) -> Result<(), SchemaProblem> {
    let no_object = |at| problem(at, "the arguments of a tool are an object");
    let object = schema.as_object().ok_or_else(|| no_object(""))?;
    if object.get("type").is_some_and(|kind| kind != "object") {
        return Err(no_object("/type"));
    }
    check_schema(schema)
}

/// Checks any schema.
///
/// # Errors
/// Says what cannot be used, and where.
pub fn check_schema(schema: &Value) -> Result<(), SchemaProblem> {
    let mut nodes = 0;
    measure(schema, 0, &mut nodes).map_err(|reason| problem("", reason))?;
    let mut checker = Checker {
        root: schema,
        weights: Weights {
            root: schema,
            known: HashMap::new(),
        },
        at: String::new(),
    };
    checker.schema(schema)
}

/// What is wrong with a schema, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaProblem {
    at: String,
    reason: String,
}

impl SchemaProblem {
    fn place(&self) -> String {
        match self.at.as_str() {
            "" => "its root".to_owned(),
            // The keys are somebody else's.
            at => format!("`{}`", clipped(at).escape_debug()),
        }
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.place(), self.reason)
    }
}

fn problem(at: &str, reason: impl Into<String>) -> SchemaProblem {
    SchemaProblem {
        at: at.to_owned(),
        reason: reason.into(),
    }
}

fn measure(value: &Value, depth: usize, nodes: &mut usize) -> Result<(), String> {
    *nodes += 1;
    if depth > SCHEMA_DEPTH_MAX {
        return Err(format!(
            "it is nested deeper than {SCHEMA_DEPTH_MAX}; use `$defs` and `$ref`"
        ));
    }
    if *nodes > SCHEMA_NODES_MAX {
        return Err(format!("it has more than {SCHEMA_NODES_MAX} values"));
    }
    match value {
        Value::Array(values) => values
            .iter()
            .try_for_each(|value| measure(value, depth + 1, nodes)),
        Value::Object(values) => values
            .values()
            .try_for_each(|value| measure(value, depth + 1, nodes)),
        _ => Ok(()),
    }
}

struct Checker<'a> {
    root: &'a Value,
    weights: Weights<'a>,
    at: String,
}

impl<'a> Checker<'a> {
    fn inside(
        &mut self,
        key: &str,
        check: impl FnOnce(&mut Self) -> Result<(), SchemaProblem>,
    ) -> Result<(), SchemaProblem> {
        let length = self.at.len();
        self.at.push('/');
        self.at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        check(self)?;
        self.at.truncate(length);
        Ok(())
    }

    fn fail(&self, reason: impl Into<String>) -> Result<(), SchemaProblem> {
        Err(problem(&self.at, reason))
    }

    fn schema(&mut self, schema: &'a Value) -> Result<(), SchemaProblem> {
        match schema {
            Value::Bool(_) => Ok(()),
            Value::Object(object) => {
                if let Err(reason) = self.weights.of(schema, 0) {
                    return self.fail(reason);
                }
                for (key, value) in object {
                    self.inside(key, |checker| checker.keyword(key, value))?;
                }
                Ok(())
            }
            _ => self.fail("a schema is an object or a boolean"),
        }
    }

    fn keyword(&mut self, key: &str, value: &'a Value) -> Result<(), SchemaProblem> {
        if ONE.contains(&key) {
            return match value {
                // How tuples were written before `prefixItems`.
                Value::Array(schemas) if key == "items" => self.schemas(schemas),
                _ => self.schema(value),
            };
        }
        if MANY.contains(&key) {
            return match value {
                Value::Array(schemas) => self.schemas(schemas),
                _ => self.fail("it is no array of schemas"),
            };
        }
        if NAMED.contains(&key) {
            return match value {
                Value::Object(schemas) => self.named(schemas),
                _ => self.fail("it is no object of schemas"),
            };
        }
        match key {
            "type" => self.types(value),
            "required" => match value.as_array() {
                Some(names) if names.iter().all(Value::is_string) => Ok(()),
                // A habit from before draft 4.
                None if value.is_boolean() => self.fail(
                    "it is a boolean; list the names of required properties in the object instead",
                ),
                _ => self.fail("it is no array of names"),
            },
            "enum" if !value.is_array() => self.fail("it is no array of values"),
            "pattern" | "description" | "title" | "format" if !value.is_string() => {
                self.fail("it is no text")
            }
            "$ref" => self.reference(value),
            "$dynamicRef" | "$recursiveRef" => {
                self.fail("it is not supported; write `$ref` with a path such as \"#/$defs/T\"")
            }
            _ => Ok(()),
        }
    }

    fn schemas(&mut self, schemas: &'a [Value]) -> Result<(), SchemaProblem> {
        for (index, schema) in schemas.iter().enumerate() {
            self.inside(&index.to_string(), |checker| checker.schema(schema))?;
        }
        Ok(())
    }

    fn named(&mut self, schemas: &'a Map<String, Value>) -> Result<(), SchemaProblem> {
        for (name, schema) in schemas {
            self.inside(name, |checker| checker.schema(schema))?;
        }
        Ok(())
    }

    fn types(&self, value: &Value) -> Result<(), SchemaProblem> {
        let known = |kind: &Value| kind.as_str().is_some_and(|kind| TYPES.contains(&kind));
        match value {
            Value::Array(kinds) if kinds.iter().all(known) => Ok(()),
            kind if known(kind) => Ok(()),
            _ => {
                let near = value.as_str().and_then(|name| nearest(name, &TYPES));
                let hint = near.map(|near| format!("; did you mean `{near}`?"));
                let hint = hint.unwrap_or_default();
                self.fail(format!("{} is no type{hint}", clipped(&value.to_string())))
            }
        }
    }

    fn reference(&self, value: &Value) -> Result<(), SchemaProblem> {
        let Some(reference) = value.as_str() else {
            return self.fail("a reference is text");
        };
        if !reference.starts_with('#') {
            return self.fail(format!(
                "{:?} leads out of the schema; put what it names into `$defs`",
                clipped(reference)
            ));
        }
        match resolve(self.root, reference) {
            Some(Value::Object(_) | Value::Bool(_)) => Ok(()),
            _ => self.fail(format!("{:?} leads nowhere", clipped(reference))),
        }
    }
}

/// What a reference inside of `root` leads to.
pub(crate) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(&pointer_of(reference)?)
}

/// The JSON pointer that a reference to the schema itself ends in.
pub(crate) fn pointer_of(reference: &str) -> Option<Cow<'_, str>> {
    let pointer = reference.strip_prefix('#')?;
    if !pointer.contains('%') {
        return Some(Cow::Borrowed(pointer));
    }
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let escaped = (*first == b'%')
            .then(|| after.split_at_checked(2))
            .flatten();
        let decoded = escaped.and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        match decoded {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// How much checking one value against a schema may take: every schema that
/// applies to the same value counts. A schema that applies itself to the same
/// value again would never end.
struct Weights<'a> {
    root: &'a Value,
    /// By address; `None` while it is being weighed.
    known: HashMap<*const Value, Option<Weight>>,
}

#[derive(Clone, Copy)]
struct Weight {
    /// Schemas that apply to the same value, this one included.
    schemas: usize,
    /// The longest chain of them.
    chain: usize,
}

impl<'a> Weights<'a> {
    fn of(&mut self, schema: &'a Value, depth: usize) -> Result<Weight, String> {
        let mut weight = Weight {
            schemas: 1,
            chain: 1,
        };
        let Value::Object(object) = schema else {
            return Ok(weight);
        };
        match self.known.get(&std::ptr::from_ref(schema)) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => return Err("it refers to itself without end".to_owned()),
            None if depth > APPLIED_CHAIN_MAX => return Err(too_long()),
            None => {}
        }
        self.known.insert(schema, None);
        for (key, value) in object {
            let applied: Vec<&'a Value> = match (key.as_str(), value) {
                ("$ref", Value::String(reference)) => {
                    resolve(self.root, reference).into_iter().collect()
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => schemas.iter().collect(),
                ("not" | "if" | "then" | "else", schema) => vec![schema],
                ("dependentSchemas", Value::Object(schemas)) => schemas.values().collect(),
                _ => continue,
            };
            for schema in applied {
                let inner = self.of(schema, depth + 1)?;
                weight.schemas = weight.schemas.saturating_add(inner.schemas);
                weight.chain = weight.chain.max(inner.chain + 1);
            }
        }
        if weight.schemas > APPLIED_SCHEMAS_MAX {
            return Err(format!(
                "more than {APPLIED_SCHEMAS_MAX} schemas apply to one value"
            ));
        }
        if weight.chain > APPLIED_CHAIN_MAX {
            return Err(too_long());
        }
        self.known.insert(schema, Some(weight));
        Ok(weight)
    }
}

fn too_long() -> String {
    format!("more than {APPLIED_CHAIN_MAX} schemas refer to each other")
}

fn clipped(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}
