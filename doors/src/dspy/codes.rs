//! The numbers of errors, as DSPy's client knows them.

use serde_json::{Value, json};

pub(super) const PARSE_ERROR: i64 = -32700;
pub(super) const INVALID_REQUEST: i64 = -32600;
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
pub(super) const RUNTIME_ERROR: i64 = -32007;
const OTHER: i64 = -32099;

/// The number of an exception's class.
fn of_class(class: &str) -> i64 {
    match class {
        // For Python these are syntax errors too, and a client that asks the model to write
        // the block anew has to know.
        "SyntaxError" | "IndentationError" | "TabError" => -32000,
        "NameError" => -32001,
        "TypeError" => -32002,
        "ValueError" => -32003,
        "AttributeError" => -32004,
        "IndexError" => -32005,
        "KeyError" => -32006,
        "RuntimeError" => RUNTIME_ERROR,
        "CodeInterpreterError" => -32008,
        _ => OTHER,
    }
}

/// The error of an exception of the guest's code.
pub(super) fn exception(class: &str, message: &str, argument: Value) -> Value {
    // The last name alone, as pyodide has it.
    let class = class.rsplit('.').next().unwrap_or(class);
    json!({
        "code": of_class(class),
        "message": message,
        "data": { "type": class, "args": [argument] },
    })
}

/// An error of the protocol, or of a request that is none of a block.
pub(super) fn error(code: i64, message: impl Into<String>) -> Value {
    json!({ "code": code, "message": message.into() })
}

/// What the exception was made of, as far as its text shows: DSPy prints the arguments.
pub(super) fn argument(class: &str, message: &str) -> Value {
    let quoted = message
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    match (class, quoted) {
        // The text of a `KeyError` is the `repr` of its key.
        ("KeyError", Some(key)) if !key.contains(['\'', '\\']) => Value::from(key),
        _ => match message.parse::<i64>() {
            Ok(number) if number.to_string() == message => Value::from(number),
            _ => Value::from(message),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_their_numbers() {
        for (class, code) in [
            ("SyntaxError", -32000),
            ("IndentationError", -32000),
            ("KeyError", -32006),
            ("ZeroDivisionError", -32099),
            ("f.<locals>.ValueError", -32003),
        ] {
            let error = exception(class, "m", Value::Null);
            assert_eq!(error["code"], code, "{class}");
        }
        assert_eq!(exception("a.b.C", "m", Value::Null)["data"]["type"], "C");
    }

    #[test]
    fn arguments_are_what_the_text_shows() {
        assert_eq!(argument("KeyError", "'k'"), "k");
        assert_eq!(argument("ValueError", "'k'"), "'k'");
        assert_eq!(argument("ValueError", "12"), 12);
        assert_eq!(argument("ValueError", "012"), "012");
    }
}
