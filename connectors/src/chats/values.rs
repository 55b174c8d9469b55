//! Values of JSON that may be of another form than they should.

use serde_json::Value;

use crate::date;

/// The text under one of these keys; empty if there is none.
pub(crate) fn text<'v>(value: &'v Value, keys: &[&str]) -> &'v str {
    let found = keys.iter().find_map(|key| value.get(key)?.as_str());
    found.unwrap_or_default()
}

/// A time in seconds since 1970: a number, a number as text, or an ISO timestamp.
pub(crate) fn time(value: Option<&Value>) -> Option<f64> {
    /// Later than the year 5000 in seconds, earlier than 1974 in milliseconds.
    const MILLISECONDS_FROM: f64 = 1e11;
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().parse() {
            Ok(number) => number,
            Err(_) => date::seconds_of_iso(text.trim())?,
        },
        _ => return None,
    };
    match seconds.abs() >= MILLISECONDS_FROM {
        true => Some(seconds / 1000.0),
        false => Some(seconds).filter(|seconds| seconds.is_finite()),
    }
}

/// A code block that cannot be closed by what it holds.
pub(crate) fn fenced(language: &str, code: &str) -> String {
    let longest = code
        .lines()
        .map(|line| line.trim_start().chars().take_while(|c| *c == '`').count())
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    let word = language.split_whitespace().next().unwrap_or_default();
    let word = Some(word).filter(|word| *word != "unknown" && !word.contains('`'));
    format!(
        "{fence}{}\n{}\n{fence}",
        word.unwrap_or_default(),
        code.trim_end()
    )
}
