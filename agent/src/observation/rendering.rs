//! An observation as text.

use memex_trajectories::{
    Change, Display, Encoding, GuestError, LimitReached, NameChange, Observation,
};
use serde::{Deserialize, Serialize};

use super::{change, cut};
use crate::ObservationOptions;

/// What running a block came to, wherever it ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ran {
    /// What was written to standard output.
    pub stdout: String,
    /// How long that was in all, in bytes.
    pub stdout_bytes: u64,
    /// What was written to standard error.
    pub stderr: String,
    /// The preview of the last expression's value.
    pub value: Option<String>,
    /// The exception: class, message, frames of the user's.
    pub error: Option<GuestError>,
    /// The limit that was reached.
    pub limit: Option<LimitReached>,
    /// Whether the scope is as before the block.
    pub rolled_back: bool,
    /// Whether the scope is gone.
    pub state_lost: bool,
    /// Whether the block was interrupted from outside.
    pub interrupted: bool,
    /// Pictures and other rich output.
    pub displays: Vec<Display>,
    /// What became of the names.
    pub names: Vec<NameChange>,
    /// Instructions counted, where they are.
    pub fuel: Option<u64>,
    /// Time in the guest, in microseconds.
    pub guest_us: u64,
    /// Size of the guest's memory.
    pub memory_bytes: u64,
    /// Calls of the guest to tools.
    pub host_calls: u64,
    /// What the model is shown of it, where the scope has words of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
}

/// The class of the exception that ends a block whose answer was accepted.
pub(crate) const SUBMITTED: &str = "Submitted";

/// The parts of an observation, for the trajectory.
#[must_use]
pub fn observation(ran: &Ran) -> Observation {
    let mut stdout = ran.stdout.clone();
    if !ran.stderr.is_empty() {
        if !stdout.is_empty() && !stdout.ends_with('\n') {
            stdout.push('\n');
        }
        stdout.push_str(&ran.stderr);
    }
    Observation {
        stdout,
        value: ran.value.clone(),
        error: ran.error.clone().filter(|error| error.kind != SUBMITTED),
        limits: ran.limit.iter().cloned().collect(),
        names: ran.names.clone(),
        displays: ran.displays.clone(),
        state_lost: ran.state_lost,
    }
}

/// What the model is shown.
#[must_use]
pub fn shown(code: &str, ran: &Ran, options: &ObservationOptions) -> String {
    let mut lines: Vec<String> = Vec::new();
    let room = options.max_chars;
    let error = ran.error.as_ref().filter(|error| error.kind != SUBMITTED);
    // An error has its place even after endless output.
    let output_room = if error.is_some() { room * 2 / 3 } else { room };
    let output = ran.stdout.trim_end_matches('\n');
    if !output.is_empty() {
        lines.push(cut(output, output_room, "; print less, or a part of it").into_owned());
    }
    let warnings = ran.stderr.trim_end_matches('\n');
    if !warnings.is_empty() {
        lines.push(cut(warnings, room / 4, "").into_owned());
    }
    if let Some(value) = ran.value.as_deref().filter(|_| options.value) {
        let whole = format!(
            "; all of it is still in `{}`",
            last_name(code).unwrap_or("_")
        );
        lines.push(cut(value, output_room, &whole).into_owned());
    }
    for display in &ran.displays {
        let size = match display.encoding {
            Encoding::Base64 => display.data.len() / 4 * 3,
            _ => display.data.len(),
        };
        lines.push(format!(
            "(shown to the user: {}, {size} bytes)",
            display.media_type
        ));
    }
    if let Some(error) = error {
        lines.push(cut(&error_text(error), room / 3, "").into_owned());
    }
    if let Some(limit) = &ran.limit {
        lines.push(limit_text(limit));
    }
    if ran.state_lost {
        lines.push(
            "The session was lost with every name in it; a new one has begun. Make again what you need."
                .to_owned(),
        );
    } else if ran.rolled_back {
        lines.push("The block was stopped; the scope is as it was before it.".to_owned());
    }
    if lines.is_empty() {
        lines.push("(no output)".to_owned());
    }
    if options.names {
        lines.extend(name_lines(&ran.names, options.names_max));
    }
    lines.join("\n")
}

fn error_text(error: &GuestError) -> String {
    let traceback = error.traceback.trim_end();
    if !traceback.is_empty() {
        return traceback.to_owned();
    }
    match error.message.as_str() {
        "" => error.kind.clone(),
        message => format!("{}: {message}", error.kind),
    }
}

fn limit_text(limit: &LimitReached) -> String {
    let LimitReached {
        name,
        limit,
        actual,
    } = limit;
    match actual {
        Some(actual) => format!("Limit {name}: {limit} allowed, {actual} reached."),
        None => format!("Limit {name}: {limit} allowed."),
    }
}

fn name_lines(names: &[NameChange], max: usize) -> Vec<String> {
    let kinds = [
        (Change::New, "New"),
        (Change::Changed, "Changed"),
        (Change::Deleted, "Deleted"),
    ];
    let mut lines = Vec::new();
    for (kind, word) in kinds {
        let all: Vec<&NameChange> = names.iter().filter(|name| name.change == kind).collect();
        if all.is_empty() {
            continue;
        }
        let mut told: Vec<String> = all.iter().take(max).map(|name| change(name)).collect();
        if all.len() > max {
            told.push(format!("… {} more", all.len() - max));
        }
        lines.push(format!("{word}: {}", told.join(", ")));
    }
    lines
}

/// The name that a block ends with, if its last line is a name alone.
fn last_name(code: &str) -> Option<&str> {
    let line = code.lines().rev().find(|line| !line.trim().is_empty())?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (line.chars().all(is_name) && !line.starts_with(|c: char| c.is_ascii_digit())).then_some(line)
}
