//! Text and values as Python literals.

use crate::validation::clipped;
use memex_escapes::is_hidden;
use serde_json::Value;

/// Most characters of a description.
const DESCRIPTION_MAX_CHARS: usize = 4_000;
/// Most characters of a summary.
const SUMMARY_MAX_CHARS: usize = 120;

/// A string literal.
pub(super) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\n' => literal.push_str("\\n"),
            _ => push_escaped(&mut literal, c),
        }
    }
    literal.push('"');
    literal
}

/// A docstring of paragraphs, each line behind `indent`.
pub(super) fn docstring(text: &str, indent: &str) -> String {
    let text = text.trim();
    let mut doc = String::with_capacity(text.len() + 8);
    doc.push_str("\"\"\"");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            doc.push('\n');
            if !line.is_empty() {
                doc.push_str(indent);
            }
        }
        for c in line.chars() {
            match c {
                // Escaping each keeps any run of quotes from ending the text.
                '"' => doc.push_str("\\\""),
                _ => push_escaped(&mut doc, c),
            }
        }
    }
    if lines.len() > 1 {
        doc.push('\n');
        doc.push_str(indent);
    }
    doc.push_str("\"\"\"");
    doc
}

/// The description, bounded.
pub(super) fn description(text: &str) -> String {
    clipped(text.trim(), DESCRIPTION_MAX_CHARS)
}

/// The first sentence of a description, on one line and without characters
/// that end it, so that it can stand in a comment.
pub(crate) fn summary(text: &str) -> String {
    let line = one_line(text.trim().split("\n\n").next().unwrap_or_default());
    let sentence = match line.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => line,
    };
    clipped(&sentence, SUMMARY_MAX_CHARS)
}

/// A text on one line, without characters that end it.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control() && !is_hidden(*c))
        .collect()
}

/// A value as a literal; `None` for those that are no short constant.
pub(super) fn constant(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("None".to_owned()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if text.len() <= 200 => Some(literal(text)),
        Value::Array(values) if values.is_empty() => Some("[]".to_owned()),
        Value::Object(values) if values.is_empty() => Some("{}".to_owned()),
        _ => None,
    }
}

fn push_escaped(text: &mut String, c: char) {
    match c {
        '\\' => text.push_str("\\\\"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        c if c.is_control() || is_hidden(c) => {
            let code = u32::from(c);
            let escape = match code {
                0..=0xff => format!("\\x{code:02x}"),
                0x100..=0xffff => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            };
            text.push_str(&escape);
        }
        c => text.push(c),
    }
}
