//! The Python that a session begins with: tools of the client, and `SUBMIT`.
//!
//! Names come from the client as data: no text of it becomes code.

use serde_json::Value;

use super::calls::TOOL_NAME;

/// The exception by which `SUBMIT` ends a block.
pub(super) const FINAL: &str = "_DSPyFinalOutput";
/// Writes the value that was submitted.
pub(super) const SHOW_FINAL: &str = "_dspy_show(_dspy_final)";
/// Writes the value of the last block, if it is data.
pub(super) const SHOW_VALUE: &str = "_dspy_show(_)";

const BEGIN: &str = r#"
class _DSPyFinalOutput(BaseException):
    "Ends a block whose answer was submitted."

def _dspy_bind(name, names, defaults, values, named):
    if len(values) > len(names):
        raise TypeError(f"{name}() takes {len(names)} arguments but {len(values)} were given")
    found = dict(zip(names, values))
    for key, value in named.items():
        if key not in names:
            raise TypeError(f"{name}() got an unexpected keyword argument {key!r}")
        if key in found:
            raise TypeError(f"{name}() got multiple values for argument {key!r}")
        found[key] = value
    for key in names:
        if key not in found:
            if key not in defaults:
                raise TypeError(f"{name}() missing a required argument: {key!r}")
            found[key] = defaults[key]
    return {key: found[key] for key in names}

def _dspy_tool(name, names, defaults):
    def tool(*values, **named):
        return CALL(name=name, kwargs=_dspy_bind(name, names, defaults, values, named))
    tool.__name__ = tool.__qualname__ = name
    tool.__doc__ = f"{name}({', '.join(names)}): a tool of the program that runs this code."
    return tool

def _dspy_submit(names):
    def SUBMIT(*values, **named):
        globals()["_dspy_final"] = _dspy_bind("SUBMIT", names, {}, values, named)
        raise _DSPyFinalOutput
    return SUBMIT

def _dspy_plain(value):
    # Arrays, numbers of numpy, and what else is a list of its kind.
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no value of JSON")

def _dspy_writer():
    import json, sys
    dumps, out = json.dumps, sys.stdout
    def show(value):
        out.write(dumps(value, allow_nan=False, default=_dspy_plain))
        out.flush()
    return show

_dspy_show = _dspy_writer()
SUBMIT = _dspy_submit(["output"])
"#;

/// The first block.
pub(super) fn begin() -> String {
    BEGIN.replace("CALL", TOOL_NAME)
}

/// The block that binds a tool.
pub(super) fn tool(name: &str, names: &[&str], defaults: &Value) -> String {
    format!(
        "{name} = _dspy_tool({}, {}, {})",
        literal(&Value::from(name)),
        literal(&Value::from(names.to_vec())),
        literal(defaults),
    )
}

/// The block that binds `SUBMIT`.
pub(super) fn submit(names: &[&str]) -> String {
    format!(
        "SUBMIT = _dspy_submit({})",
        literal(&Value::from(names.to_vec()))
    )
}

/// A value as Python reads it: a string of JSON is one of Python too.
fn literal(value: &Value) -> String {
    let text = Value::from(value.to_string()).to_string();
    format!("__import__('json').loads({text})")
}

/// Whether a name of the client's can be one of the scope.
pub(super) fn is_name(name: &str) -> bool {
    const KEYWORDS: [&str; 35] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
        "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
        "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield",
    ];
    let mut letters = name.chars();
    let begins = letters
        .next()
        .is_some_and(|first| first == '_' || first.is_ascii_alphabetic());
    begins
        && name.len() <= 100
        && letters.all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
        && !KEYWORDS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_become_names_and_values_literals() {
        for name in ["f", "_x1", "llm_query"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1f", "a b", "a.b", "x=1", "é", "lambda", "f\nimport os"] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(
            tool("f", &["a"], &json!({ "a": "it's \"so\"\n" })),
            r#"f = _dspy_tool(__import__('json').loads("\"f\""), __import__('json').loads("[\"a\"]"), __import__('json').loads("{\"a\":\"it's \\\"so\\\"\\n\"}"))"#
        );
    }
}
