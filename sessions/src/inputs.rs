//! Values that a session begins with.

use std::collections::BTreeMap;

use memex_runtime::Session;
use serde_json::Value;

use crate::error::Error;
use crate::image_defaults::is_identifier;

/// Checks that inputs have names that code can use.
///
/// # Errors
/// [`Error::Input`], with the first that has none.
pub fn check_inputs(inputs: &BTreeMap<String, Value>) -> Result<(), Error> {
    match inputs.keys().find(|name| !is_identifier(name)) {
        None => Ok(()),
        Some(name) => Err(Error::Input {
            name: name.clone(),
            what: "is not a name that Python code can use".to_owned(),
        }),
    }
}

/// Puts inputs into the scope by a turn for each, so that a value that is too
/// large for a block is refused by its name.
///
/// # Errors
/// [`Error::Input`], and [`Error::Runtime`] for a fault of the host.
pub fn put_inputs(session: &mut Session, inputs: &BTreeMap<String, Value>) -> Result<(), Error> {
    for (name, value) in inputs {
        let outcome = session.run(&assignment(name, value))?;
        if outcome.is_ok() {
            continue;
        }
        let why = match (outcome.error, outcome.limit) {
            (Some(error), _) => format!("{}: {}", error.class, error.message),
            (None, Some(hit)) => format!("limit {}: {} allowed", hit.name, hit.limit),
            (None, None) => "the turn that sets it failed".to_owned(),
        };
        return Err(Error::Input {
            name: name.clone(),
            what: format!("cannot be put into the scope: {why}"),
        });
    }
    Ok(())
}

/// The text of JSON as a literal of Python, whose escapes mean the same there.
fn assignment(name: &str, value: &Value) -> String {
    let literal = Value::from(value.to_string()).to_string();
    format!("{name} = __import__('json').loads({literal})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_names_and_values_are_literals() {
        let named = |name: &str| check_inputs(&BTreeMap::from([(name.to_owned(), json!(1))]));
        for name in ["x", "_", "größe", "a1"] {
            assert!(named(name).is_ok(), "{name}");
        }
        for name in ["", "1a", "a b", "a.b", "x = 1\nimport os"] {
            assert!(named(name).is_err(), "{name}");
        }
        assert_eq!(
            assignment("x", &json!({ "a": "it's \"so\"\n" })),
            r#"x = __import__('json').loads("{\"a\":\"it's \\\"so\\\"\\n\"}")"#
        );
    }
}
