//! How many steps a check takes, counted before it is made.
//!
//! The library that checks walks every path through a schema. Where two alternatives lead to the
//! same part of a value, and each of them to two more, the paths double with each level. Before
//! it says that no alternative fits, it gathers what is wrong with each of them, to the last
//! part. Both are counted here first, path by path, and no further than to a bound: so the count
//! itself takes no longer than what it permits.

use crate::toolbox::resolve;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Steps of one check. A step takes the library 10 to 50 ns.
pub(super) const STEPS_MAX: usize = 8_000_000;
/// Steps within the alternatives of one part of a value in which faults are looked for. Each
/// may become an error of about a kilobyte.
const GATHERED_STEPS_MAX: usize = 20_000;
/// Steps of a pattern that may backtrack, for one text.
const BACKTRACKING_STEPS: usize = 1_000;
/// Bytes of a text that a pattern reads, or whose characters are counted, in one step.
const READ_BYTES: usize = 8;
const COUNTED_BYTES: usize = 64;
/// Parts that are still to be walked: what the count itself holds.
const OPEN_MAX: usize = 1_000_000;
/// How often schemas beside `unevaluatedProperties` and its like are walked: once for
/// themselves, and again for what they have evaluated.
const UNEVALUATED_TIMES: usize = 3;

/// There are more steps than permitted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// Counts the steps of checking `value` against the schema `root`.
///
/// # Errors
/// If there are more than [`STEPS_MAX`].
pub(super) fn count(root: &Value, value: &Value) -> Result<usize, TooMany> {
    let mut walk = Walk::new(root, STEPS_MAX);
    walk.open.push((root, Part::Value(value)));
    walk.finish().map(|()| STEPS_MAX.saturating_sub(walk.left))
}

/// Whether the library may look for what is wrong with a value whose steps were counted: in no
/// alternatives does it gather too much.
pub(super) fn may_be_explained(root: &Value, value: &Value) -> bool {
    let mut walk = Walk::new(root, usize::MAX);
    walk.gathers = true;
    walk.open.push((root, Part::Value(value)));
    walk.finish().is_ok()
}

/// A part of a value: a value itself, each item of a list, or the name of a property.
#[derive(Clone, Copy)]
enum Part<'a> {
    Value(&'a Value),
    Items(&'a [Value]),
    Name(&'a str),
}

/// Schemas that are still to be applied to parts of a value.
struct Walk<'a> {
    root: &'a Value,
    open: Vec<(&'a Value, Part<'a>)>,
    left: usize,
    /// Whether alternatives are counted by themselves, and nothing else is.
    gathers: bool,
    targets: HashMap<&'a str, Option<&'a Value>>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Value, left: usize) -> Self {
        Self {
            root,
            open: Vec::new(),
            left,
            gathers: false,
            targets: HashMap::new(),
        }
    }

    fn finish(&mut self) -> Result<(), TooMany> {
        while let Some((schema, part)) = self.open.pop() {
            if let Part::Items(items) = part {
                if let Some((first, rest)) = items.split_first() {
                    self.open.push((schema, Part::Items(rest)));
                    self.open.push((schema, Part::Value(first)));
                }
                continue;
            }
            self.spend(1)?;
            let Value::Object(keywords) = schema else {
                continue;
            };
            let is_rest = |key: &str| matches!(key, "unevaluatedItems" | "unevaluatedProperties");
            let times = match keywords.keys().any(|key| is_rest(key)) {
                true => UNEVALUATED_TIMES,
                false => 1,
            };
            for (key, schema) in keywords {
                for _ in 0..times {
                    self.in_place(key, schema, part)?;
                }
                match part {
                    Part::Value(Value::Array(items)) => self.items(key, schema, items)?,
                    Part::Value(Value::Object(map)) => self.properties(key, schema, map)?,
                    Part::Value(Value::String(text)) => self.text(key, schema, text)?,
                    Part::Name(name) => self.text(key, schema, name)?,
                    Part::Value(_) | Part::Items(_) => {}
                }
            }
        }
        Ok(())
    }

    fn spend(&mut self, steps: usize) -> Result<(), TooMany> {
        self.left = self.left.checked_sub(steps).ok_or(TooMany)?;
        match self.open.len() > OPEN_MAX {
            true => Err(TooMany),
            false => Ok(()),
        }
    }

    /// Keywords whose schemas apply to the same part.
    fn in_place(&mut self, key: &str, schema: &'a Value, part: Part<'a>) -> Result<(), TooMany> {
        match (key, schema) {
            ("$ref", Value::String(reference)) => {
                let root = self.root;
                let target = self.targets.entry(reference);
                let target = *target.or_insert_with(|| resolve(root, reference));
                self.open.extend(target.map(|target| (target, part)));
            }
            ("anyOf" | "oneOf", Value::Array(schemas)) if self.gathers => {
                let mut alternatives = Walk::new(self.root, GATHERED_STEPS_MAX);
                let each = schemas.iter().map(|schema| (schema, part));
                alternatives.open.extend(each);
                alternatives.finish()?;
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                self.open
                    .extend(schemas.iter().map(|schema| (schema, part)));
            }
            ("not" | "if" | "then" | "else", schema) => self.open.push((schema, part)),
            ("dependentSchemas", Value::Object(schemas)) => {
                let schemas = schemas.values().map(|schema| (schema, part));
                self.open.extend(schemas);
            }
            // Texts and numbers are found by their hash; others are compared.
            ("enum", Value::Array(options)) => {
                let compared = options.iter().filter(|it| it.is_array() || it.is_object());
                self.spend(compared.count())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn items(&mut self, key: &str, schema: &'a Value, items: &'a [Value]) -> Result<(), TooMany> {
        match (key, schema) {
            ("items" | "prefixItems", Value::Array(schemas)) => {
                let each = items.iter().map(Part::Value);
                self.open.extend(schemas.iter().zip(each));
            }
            ("items" | "additionalItems" | "unevaluatedItems" | "contains", schema) => {
                self.open.push((schema, Part::Items(items)));
            }
            // All of them are compared, to the last part.
            ("uniqueItems", Value::Bool(true)) => {
                let parts: usize = items.iter().map(parts_of).sum();
                self.spend(parts.saturating_mul(READ_BYTES))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn properties(
        &mut self,
        key: &str,
        schema: &'a Value,
        map: &'a Map<String, Value>,
    ) -> Result<(), TooMany> {
        match (key, schema) {
            ("properties", Value::Object(named)) => {
                self.spend(named.len().min(map.len()))?;
                let given = map.iter();
                let given = given.filter_map(|(name, value)| Some((named.get(name)?, value)));
                self.open
                    .extend(given.map(|(schema, value)| (schema, Part::Value(value))));
            }
            ("patternProperties", Value::Object(patterns)) => {
                for (pattern, schema) in patterns {
                    for (name, value) in map {
                        self.spend(pattern_steps(pattern, name))?;
                        self.open.push((schema, Part::Value(value)));
                    }
                }
            }
            ("additionalProperties" | "unevaluatedProperties", schema) => {
                self.spend(map.len())?;
                let values = map.values().map(|value| (schema, Part::Value(value)));
                self.open.extend(values);
            }
            ("propertyNames", schema) => {
                self.spend(map.len())?;
                let names = map.keys().map(|name| (schema, Part::Name(name)));
                self.open.extend(names);
            }
            ("required", Value::Array(names)) => self.spend(names.len())?,
            ("dependentRequired", Value::Object(names)) => self.spend(names.len())?,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, key: &str, schema: &Value, text: &str) -> Result<(), TooMany> {
        match (key, schema) {
            ("pattern", Value::String(pattern)) => self.spend(pattern_steps(pattern, text)),
            ("minLength" | "maxLength" | "format", _) => self.spend(text.len() / COUNTED_BYTES),
            _ => Ok(()),
        }
    }
}

fn pattern_steps(pattern: &str, text: &str) -> usize {
    let read = pattern.len().saturating_add(text.len()) / READ_BYTES;
    let backtracked = match may_backtrack(pattern) {
        true => BACKTRACKING_STEPS,
        false => 0,
    };
    read.saturating_add(backtracked).saturating_add(1)
}

/// Whether a pattern looks around itself or refers to what it has matched: others take one pass.
fn may_backtrack(pattern: &str) -> bool {
    let follows = |mark: &str, one_of: &[u8]| {
        let rests = pattern.match_indices(mark);
        let mut next = rests.filter_map(|(at, _)| pattern.as_bytes().get(at + mark.len()));
        next.any(|byte| one_of.contains(byte))
    };
    follows("(?", b"=!<>(")
        || follows("\\", b"123456789kgGK")
        || follows("+", b"+")
        || follows("*", b"+")
        || follows("?", b"+")
}

/// The values that a value is made of.
fn parts_of(value: &Value) -> usize {
    let mut open = vec![value];
    let mut parts: usize = 0;
    while let Some(value) = open.pop() {
        parts = parts.saturating_add(1);
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(map) => open.extend(map.values()),
            Value::String(text) => parts = parts.saturating_add(text.len() / COUNTED_BYTES),
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!([]), |inner, _| json!([inner]))
    }

    #[test]
    fn paths_that_double_are_counted_as_the_library_walks_them() {
        let again = json!({ "items": { "$ref": "#/$defs/t" } });
        let schema = json!({ "$ref": "#/$defs/t", "$defs": { "t": { "anyOf": [again, again] } } });
        assert_eq!(count(&schema, &nested(10)).map(drop), Ok(()));
        assert_eq!(count(&schema, &nested(60)), Err(TooMany));
        assert!(may_be_explained(&schema, &nested(5)));
        assert!(!may_be_explained(&schema, &nested(20)));
    }

    #[test]
    fn a_long_list_is_counted_by_its_parts() {
        let long = json!(vec![0; 500_000]);
        let plain = json!({ "type": "array", "items": { "type": "integer" } });
        assert_eq!(count(&plain, &long).map(drop), Ok(()));
        // Without alternatives, the first fault is all that is gathered.
        assert!(may_be_explained(&plain, &long));
        let optional = json!({ "anyOf": [plain, { "type": "null" }] });
        assert_eq!(count(&optional, &long).map(drop), Ok(()));
        assert!(!may_be_explained(&optional, &long));
        let each = json!({ "items": { "anyOf": [{ "type": "integer" }, { "type": "null" }] } });
        assert!(may_be_explained(&each, &long));
        let many: Vec<_> = (1..1_000).map(|n| json!({ "const": n })).collect();
        assert_eq!(
            count(&json!({ "items": { "anyOf": many } }), &long),
            Err(TooMany)
        );
    }

    #[test]
    fn texts_are_counted_by_the_patterns_that_read_them() {
        let texts = json!(vec!["a".repeat(30); 10_000]);
        let with = |pattern: &str| json!({ "items": { "pattern": pattern } });
        assert_eq!(count(&with("^[a-z]+$"), &texts).map(drop), Ok(()));
        for pattern in ["^(?=a)a", r"^(a)\1", "^(?>a+)b", "a++"] {
            assert_eq!(count(&with(pattern), &texts), Err(TooMany), "{pattern}");
        }
        let names = json!({ "patternProperties": { "^x": {}, "^y": {} } });
        assert_eq!(count(&names, &json!({ "x": 1, "z": 2 })).map(drop), Ok(()));
    }
}
