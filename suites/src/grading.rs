//! Whether an answer is right.

use std::borrow::Cow;

use serde_json::Value;

use crate::{Error, Grader, Task, Verdict, number_in, officeqa};

/// Grades an answer, which is text or a submitted value.
///
/// # Errors
///
/// [`Error::Ungradable`] if the task's grader does not fit its answer.
pub fn grade(task: &Task, answer: &Value) -> Result<Verdict, Error> {
    match &task.grader {
        Grader::Exact => Ok(compare(&task.answer, answer, 0.0)),
        Grader::Numeric {
            tolerance,
            relative,
        } => grade_number(task, answer, *tolerance, *relative),
        Grader::Schema { schema, tolerance } => grade_schema(task, answer, schema, *tolerance),
        Grader::OfficeQa { tolerance } => Ok(officeqa::grade(
            &words(&task.answer),
            &words(answer),
            *tolerance,
        )),
        Grader::Rules(rules) => Ok(match rules.check(&words(answer)) {
            Ok(()) => Verdict::Correct,
            Err(reason) => Verdict::Incorrect { reason },
        }),
        Grader::Judge { .. } => Ok(Verdict::NeedsJudge),
    }
}

/// An answer as a person reads it.
pub(crate) fn words(answer: &Value) -> Cow<'_, str> {
    match answer {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn grade_number(
    task: &Task,
    answer: &Value,
    tolerance: f64,
    relative: f64,
) -> Result<Verdict, Error> {
    let is_fit = |bound: f64| bound.is_finite() && bound >= 0.0;
    let expected = number_of(&task.answer).filter(|_| is_fit(tolerance) && is_fit(relative));
    let Some(expected) = expected else {
        return Err(Error::Ungradable {
            id: task.id.clone(),
            what: "a numeric grader takes a number as answer, and tolerances from 0".to_owned(),
        });
    };
    Ok(match number_of(answer) {
        None => incorrect("it does not name one number"),
        Some(found) if (found - expected).abs() <= tolerance.max(relative * expected.abs()) => {
            Verdict::Correct
        }
        Some(found) => incorrect(&format!("it says {found}, expected was {expected}")),
    })
}

fn grade_schema(
    task: &Task,
    answer: &Value,
    schema: &Value,
    tolerance: f64,
) -> Result<Verdict, Error> {
    let validator = jsonschema::validator_for(schema).map_err(|error| Error::Ungradable {
        id: task.id.clone(),
        what: format!("its schema is none: {error}"),
    })?;
    // An answer in words may be JSON.
    let parsed = answer
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let answer = match &parsed {
        Some(value) if !validator.is_valid(answer) => value,
        _ => answer,
    };
    if let Err(error) = validator.validate(answer) {
        return Ok(incorrect(&format!("it does not meet the schema: {error}")));
    }
    if task.answer.is_null() {
        return Ok(Verdict::Correct);
    }
    Ok(compare(&task.answer, answer, tolerance))
}

fn compare(expected: &Value, found: &Value, tolerance: f64) -> Verdict {
    if is_same(expected, found, tolerance) {
        Verdict::Correct
    } else {
        incorrect(&format!("it is {found}, expected was {expected}"))
    }
}

fn is_same(expected: &Value, found: &Value, tolerance: f64) -> bool {
    match (expected, found) {
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected
                    .iter()
                    .zip(found)
                    .all(|(e, f)| is_same(e, f, tolerance))
        }
        (Value::Object(expected), Value::Object(found)) => {
            expected.len() == found.len()
                && expected
                    .iter()
                    .all(|(key, e)| found.get(key).is_some_and(|f| is_same(e, f, tolerance)))
        }
        (Value::Number(_), Value::Number(_)) => match (expected.as_f64(), found.as_f64()) {
            (Some(expected), Some(found)) => (expected - found).abs() <= tolerance,
            _ => false,
        },
        (Value::String(expected), Value::String(found)) => plain(expected) == plain(found),
        // A number may be answered in words, and the other way round.
        (Value::Number(_), Value::String(text)) => {
            let numbers = expected.as_f64().zip(number_in(text));
            numbers.is_some_and(|(expected, found)| (expected - found).abs() <= tolerance)
        }
        (Value::String(expected), Value::Number(found)) => {
            plain(expected) == plain(&found.to_string())
        }
        _ => expected == found,
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number_in(text),
        // A submission of one field.
        Value::Object(fields) if fields.len() == 1 => number_of(fields.values().next()?),
        _ => None,
    }
}

/// Without what does not count.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let joined = words.join(" ").to_lowercase();
    let trimmed = joined.trim_matches(['"', '\'', '`', '*', ' ']);
    trimmed
        .trim_end_matches('.')
        .trim_matches(['"', '\'', '`', '*'])
        .to_owned()
}

fn incorrect(reason: &str) -> Verdict {
    Verdict::Incorrect {
        reason: reason.to_owned(),
    }
}
