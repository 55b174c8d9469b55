//! Arguments that are no text, in compat mode: what Python itself would answer.
//!
//! The trained model knows operations that take whatever they are given: some answer `False`,
//! some a string with the words of the exception that they met.

use serde_json::{Map, Value};

use crate::{Author, Memory, Raised};

/// The answer of an operation one of whose arguments is no text; none if all are.
pub(crate) fn answer(
    memory: &Memory,
    author: Author<'_>,
    arguments: &Map<String, Value>,
) -> Option<Result<Value, Raised>> {
    let is_foreign = |value: &Value| !value.is_string();
    if !arguments.values().any(is_foreign) {
        return None;
    }
    const PATHS: [&str; 4] = ["file_path", "dir_path", "file_or_dir_path", "link_string"];
    let path = PATHS.iter().find_map(|name| arguments.get(*name));
    let foreign = path.filter(|path| is_foreign(path));
    Some(match (author.tool, foreign) {
        ("check_if_file_exists" | "check_if_dir_exists" | "delete_file" | "create_dir", _) => {
            Ok(Value::from(false))
        }
        ("read_file", Some(path)) => Ok(match is_number(path) {
            true => Value::from(format!("Error: File {} does not exist", shown(path))),
            false => Value::from(format!("Error: {}", no_path(path))),
        }),
        ("update_file", Some(path)) => Ok(match is_number(path) {
            true => Value::from(format!("Error: File '{}' does not exist", shown(path))),
            false => Value::from(format!("Error: Unexpected error - {}", no_path(path))),
        }),
        ("update_file", None) => Ok(update(memory, author, path, arguments)),
        ("go_to_link", Some(link)) => Ok(Value::from(format!(
            "Error: '{}' object has no attribute 'startswith'",
            class(link)
        ))),
        ("create_file", Some(path)) => Err(uncreated(
            path,
            &format!(
                "expected str, bytes or os.PathLike object, not {}",
                class(path)
            ),
        )),
        ("create_file", None) => {
            let content = arguments.get("content").unwrap_or(&Value::Null);
            let why = format!("write() argument must be str, not {}", class(content));
            Err(uncreated(path.unwrap_or(&Value::Null), &why))
        }
        ("get_size", Some(path)) => match (is_number(path), is_nothing(path)) {
            (_, true) => memory.get_size("").map(Value::from),
            (true, _) => {
                let message = format!("Path not found: {}", shown(path));
                Err(Raised::new("FileNotFoundError", message))
            }
            (false, _) => Err(Raised::new("TypeError", no_path(path))),
        },
        _ => return None,
    })
}

/// An update of a file that may be there, with texts that are none.
fn update(
    memory: &Memory,
    author: Author<'_>,
    path: Option<&Value>,
    arguments: &Map<String, Value>,
) -> Value {
    let path = path.and_then(Value::as_str).unwrap_or_default();
    if !memory.check_if_file_exists(path) {
        let refused = memory.update_file(author, path, "", "");
        return refused
            .result
            .map_or_else(Value::from, |()| Value::from(true));
    }
    let given = |name: &str| arguments.get(name).unwrap_or(&Value::Null);
    let why = match given("old_content") {
        old if !old.is_string() => format!(
            "'in <string>' requires string as left operand, not {}",
            class(old)
        ),
        _ => format!(
            "replace() argument 2 must be str, not {}",
            class(given("new_content"))
        ),
    };
    Value::from(format!("Error: Unexpected error - {why}"))
}

fn uncreated(path: &Value, why: &str) -> Raised {
    let path = shown(path);
    Raised::new("Exception", format!("Error creating file {path}: {why}"))
}

fn no_path(value: &Value) -> String {
    format!(
        "stat: path should be string, bytes, os.PathLike or integer, not {}",
        class(value)
    )
}

/// Whether Python takes the value for the number of an open file, of which there is none.
fn is_number(value: &Value) -> bool {
    value.is_boolean() || value.is_i64() || value.is_u64()
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is) => !is,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// The name of the value's class.
fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// The value as Python writes it in a message.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
