//! How the benchmark grades an answer.

use super::answers::{Answer, normalised, take_apart};
use crate::Verdict;

const OPENING: &str = "<FINAL_ANSWER>";
const CLOSING: &str = "</FINAL_ANSWER>";

/// Grades a reply against the true answer. `tolerance` is how far off numbers may be, as a part
/// of the truth; 0 is exact.
///
/// If the reply has `<FINAL_ANSWER>…</FINAL_ANSWER>`, only that counts. Units are noted and not
/// multiplied: 543 million is 543. Of a truth with several numbers all have to be in the reply;
/// of one with words, a month or a name, the words too.
pub fn grade(truth: &str, reply: &str, tolerance: f64) -> Verdict {
    let reply = match final_answer(reply) {
        Some(answer) if answer.trim().is_empty() => return wrong("its final answer is empty"),
        Some(answer) => answer,
        None => reply,
    };
    let (truth, reply) = (normalised(truth), normalised(reply));
    let (expected, found) = (take_apart(&truth), take_apart(&reply));
    if expected.numbers.is_empty() || found.numbers.is_empty() {
        return match bare(&truth) == bare(&reply) {
            true => Verdict::Correct,
            false => wrong(&format!("it is {reply:?}, expected was {truth:?}")),
        };
    }
    if !expected.words.is_empty() && !overlap(&expected.words, &found.words) {
        return wrong(&format!("it does not say {:?}", expected.words));
    }
    match missing(&expected, &found, tolerance) {
        None => Verdict::Correct,
        Some(number) => wrong(&format!("it does not have {number}")),
    }
}

/// A number of the truth that is not in the reply.
fn missing(expected: &Answer, found: &Answer, tolerance: f64) -> Option<f64> {
    let is_single = expected.numbers.len() == 1;
    let is_about_years =
        !expected.words.is_empty() || expected.numbers.iter().any(|number| number.is_year);
    let candidates = || {
        let numbers = found.numbers.iter();
        numbers.filter(|number| !is_single || is_about_years || !number.is_year)
    };
    let expected = expected.numbers.iter().map(|number| number.value);
    let mut missing = expected.filter(|truth| {
        let is_near = |found: f64| match *truth == 0.0 {
            true => found == 0.0,
            false => (found - truth).abs() <= tolerance * truth.abs(),
        };
        !candidates().any(|number| is_near(number.value))
    });
    missing.next()
}

/// What stands between the last tags.
fn final_answer(reply: &str) -> Option<&str> {
    let (before, _) = reply.rsplit_once(CLOSING)?;
    before.rsplit_once(OPENING).map(|(_, answer)| answer)
}

fn overlap(truth: &str, reply: &str) -> bool {
    !reply.is_empty() && (reply.contains(truth) || truth.contains(reply))
}

/// In small letters, without quotes around it and abbreviations in brackets behind it.
fn bare(text: &str) -> String {
    let mut text = text.trim();
    if let Some(at) = text.rfind('(').filter(|at| *at > 0 && text.ends_with(')')) {
        text = text.get(..at).unwrap_or_default();
    }
    let is_quote =
        |c: char| matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’') || c.is_whitespace();
    text.trim_matches(is_quote).to_lowercase()
}

fn wrong(reason: &str) -> Verdict {
    Verdict::Incorrect {
        reason: reason.to_owned(),
    }
}
