//! Nulls that stand for fields that are left out.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use serde_json::Value;

/// Most fields that are looked for; a field of all items of a list is one.
const FIELDS_MAX: usize = 64;
/// How far into nested alternatives a null is looked for.
const ALTERNATIVES_DEPTH_MAX: usize = 4;

/// A step into a value. All items of a list are alike.
#[derive(Debug)]
enum Place {
    Field(String),
    Items,
}

/// The arguments without those nulls that the schema refuses, if that is all that is wrong
/// with them. Code and models write `None` for what they do not give.
///
/// Only the first error is asked for each time, so that many wrong values cost no more than
/// one; and so often that all checks together take no longer than one may.
pub(super) fn without_nulls(
    validator: &jsonschema::Validator,
    arguments: &Value,
    checks_max: usize,
) -> Option<Value> {
    let mut left: Option<Value> = None;
    for _ in 0..checks_max.min(FIELDS_MAX) {
        let current = left.as_ref().unwrap_or(arguments);
        let checked = validator.validate(current);
        match checked.map_err(|error| null_at(&error, 0)) {
            Ok(()) => return left,
            Err(None) => return None,
            Err(Some(found)) => remove(left.get_or_insert_with(|| arguments.clone()), &found),
        }
    }
    None
}

/// Where a null is that an error is about, if it is a field of an object.
fn null_at(error: &ValidationError<'_>, depth: usize) -> Option<Vec<Place>> {
    if error.instance().is_null() {
        let path: Vec<Place> = error
            .instance_path()
            .into_iter()
            .map(|segment| match segment {
                LocationSegment::Property(name) => Place::Field(name.into_owned()),
                LocationSegment::Index(_) => Place::Items,
            })
            .collect();
        return matches!(path.last(), Some(Place::Field(_))).then_some(path);
    }
    match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context }
            if depth < ALTERNATIVES_DEPTH_MAX =>
        {
            let mut errors = context.iter().flatten();
            errors.find_map(|error| null_at(error, depth + 1))
        }
        _ => None,
    }
}

fn remove(value: &mut Value, path: &[Place]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match (value, first) {
        (Value::Object(map), Place::Field(name))
            if rest.is_empty() && map.get(name).is_some_and(Value::is_null) =>
        {
            // The others keep the order that the caller wrote.
            map.shift_remove(name);
        }
        (Value::Object(_), Place::Field(_)) if rest.is_empty() => {}
        (Value::Object(map), Place::Field(name)) => {
            if let Some(inner) = map.get_mut(name) {
                remove(inner, rest);
            }
        }
        (Value::Array(items), Place::Items) => {
            items.iter_mut().for_each(|item| remove(item, rest));
        }
        _ => {}
    }
}
