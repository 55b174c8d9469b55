//! A block's outcome in the words that the model is sent.

use memex_memory::Mode;
use memex_runtime::{Outcome, Status};
use memex_trajectories::NameChange;

use super::scratchpad::{Assigned, BlockOutcome};
use super::traceback::of_strings;

/// Names shown at the end of a result.
const NAMES_SHOWN_MAX: usize = 50;
/// The result of a block that assigned and printed nothing.
const NOTHING: &str = "{}";

/// The message that tells the model what its block came to; `None` stands for a
/// reply without a block. No longer than about `bytes_max`.
#[must_use]
pub fn render(
    block: Option<&BlockOutcome>,
    mode: Mode,
    code_time_ms: u64,
    bytes_max: usize,
) -> String {
    match (block, mode) {
        (None, _) => nothing(),
        (Some(block), Mode::Compat) => compat(block, code_time_ms, bytes_max),
        (Some(block), Mode::Extended) => {
            let body = extended(block, code_time_ms);
            format!("<result>\n{}\n</result>", cut(&body, bytes_max))
        }
    }
}

/// The result of a reply without a block.
#[must_use]
pub(crate) fn nothing() -> String {
    format!("<result>\n{NOTHING}\n</result>")
}

/// A notice in place of a result.
#[must_use]
pub(crate) fn notice(message: &str) -> String {
    format!("<result>\n({{}}, {{{message}}})\n</result>")
}

fn compat(block: &BlockOutcome, code_time_ms: u64, bytes_max: usize) -> String {
    let assigned = match &block.assigned {
        Some(Assigned::Values(values)) => Some(cut(values, bytes_max)),
        _ => None,
    };
    match failure(&block.outcome, code_time_ms, Mode::Compat) {
        None => {
            let values = assigned.as_deref().unwrap_or(NOTHING);
            format!("<result>\n{values}\n</result>")
        }
        Some(message) => {
            let values = match is_timeout(&block.outcome) {
                true => "None",
                false => assigned.as_deref().unwrap_or("None"),
            };
            format!("<result>\n({values}, {{{message}}})\n</result>")
        }
    }
}

fn extended(block: &BlockOutcome, code_time_ms: u64) -> String {
    let outcome = &block.outcome;
    let mut parts: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let text = text.trim_end();
        if !text.is_empty() {
            parts.push(text.to_owned());
        }
    };
    add(&outcome.stdout.text);
    add(&outcome.stderr.text);
    block.warnings.iter().for_each(|warning| add(warning));
    if let Some(value) = &outcome.value {
        add(value);
    }
    if let Some(message) = failure(outcome, code_time_ms, Mode::Extended) {
        add(&message);
    }
    if let Some(Assigned::Names(changed)) = &block.assigned {
        changed.values.iter().for_each(|value| add(value));
        if !changed.names.is_empty() {
            add(&format!("Names: {}", shown(&changed.names)));
        }
    }
    match parts.is_empty() {
        true => NOTHING.to_owned(),
        false => parts.join("\n"),
    }
}

/// `a (str, 12), b (changed, list, 3), c (deleted)`.
fn shown(names: &[NameChange]) -> String {
    let one = |name: &NameChange| {
        let change = Some(name.change.word()).filter(|word| *word != "new");
        let facts = [change, name.kind.as_deref(), name.shape.as_deref()];
        let facts: Vec<&str> = facts.into_iter().flatten().collect();
        format!("{} ({})", name.name, facts.join(", "))
    };
    let mut all: Vec<String> = names.iter().take(NAMES_SHOWN_MAX).map(one).collect();
    if let Some(more) = names.len().checked_sub(NAMES_SHOWN_MAX).filter(|n| *n > 0) {
        all.push(format!("and {more} more"));
    }
    all.join(", ")
}

/// The message to the model about a block that failed.
fn failure(outcome: &Outcome, code_time_ms: u64, mode: Mode) -> Option<String> {
    if outcome.status == Status::Ok {
        return None;
    }
    if is_timeout(outcome) {
        let seconds = seconds(code_time_ms);
        return Some(format!(
            "TimeoutError: Code execution exceeded {seconds} seconds."
        ));
    }
    let error = outcome.error.clone().unwrap_or_default();
    if outcome.exit_code.is_some() {
        return Some(format!("Sandboxed code called sys.exit({})", error.message));
    }
    let trace = match error.traceback.trim_end() {
        "" => format!("{}: {}", error.class, error.message),
        trace => match mode {
            Mode::Compat => of_strings(trace),
            Mode::Extended => trace.to_owned(),
        },
    };
    Some(format!("Exception in sandboxed code:\n{trace}"))
}

fn is_timeout(outcome: &Outcome) -> bool {
    let hit = outcome.limit.as_ref();
    outcome.status == Status::Limit && hit.is_some_and(|hit| hit.name.ends_with("_time_ms"))
}

fn seconds(time_ms: u64) -> String {
    match time_ms % 1000 {
        0 => (time_ms / 1000).to_string(),
        _ => format!("{:.3}", time_ms as f64 / 1000.0)
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// The head and tail of a text that is too long.
fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut head = bytes_max / 4 * 3;
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = text.len() - (bytes_max - head);
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    let (start, end) = (
        text.get(..head).unwrap_or(""),
        text.get(tail..).unwrap_or(""),
    );
    let left_out = tail.saturating_sub(head);
    format!(
        "{start}\n… {left_out} of {} bytes left out …\n{end}",
        text.len()
    )
}
