//! An observation as text.

use memex_runtime::{LimitHit, Status};
use memex_sessions::{Content, Exception, Outcome};
use memex_trajectories::{
    Change, Display, Encoding, GuestError, LimitReached, NameChange, Observation,
};
use serde::{Deserialize, Serialize};

use super::{change, cut};
use crate::ObservationOptions;

/// The result of running a block, wherever it ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ran {
    /// The turn. One that ended in a fault has lost its scope.
    pub outcome: Outcome,
    /// Whether the block was interrupted from outside.
    pub interrupted: bool,
    /// The changes of the names.
    pub names: Vec<NameChange>,
    /// What the model is shown of it, where the scope has words of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
}

impl Ran {
    /// A block that ended with its scope, for a reason that is no exception.
    pub(crate) fn lost(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome {
                status: Status::Fault,
                stderr: why.into(),
                ..Outcome::default()
            },
            ..Self::default()
        }
    }

    /// Whether the scope is gone.
    #[must_use]
    pub fn is_state_lost(&self) -> bool {
        self.outcome.status == Status::Fault
    }

    /// Whether the block ended by an answer that was accepted.
    fn is_submitted(&self) -> bool {
        let error = self.outcome.error.as_ref();
        error.is_some_and(|error| error.class == SUBMITTED)
    }

    /// The exception, unless it only ends a block whose answer was accepted.
    fn error(&self) -> Option<&Exception> {
        let error = self.outcome.error.as_ref();
        error.filter(|error| error.class != SUBMITTED)
    }

    /// The pictures of what was displayed; what else there is says no more than
    /// the text.
    fn pictures(&self) -> Vec<Display> {
        let displays = self.outcome.displays.iter().flatten();
        displays.filter_map(picture).collect()
    }
}

fn picture(display: &memex_sessions::Display) -> Option<Display> {
    let memex_sessions::Display::Whole { data, .. } = display else {
        return None;
    };
    data.iter().find_map(|(mime, content)| match content {
        Content::Base64(base64) if mime.starts_with("image/") => Some(Display {
            media_type: mime.clone(),
            encoding: Encoding::Base64,
            data: base64.clone(),
            title: None,
        }),
        _ => None,
    })
}

/// The class of the exception that ends a block whose answer was accepted.
pub(crate) const SUBMITTED: &str = "tools.Submitted";

/// Characters that each part of an observation has at least.
const PART_MIN_CHARS: usize = 100;

/// The parts of an observation, for the trajectory.
#[must_use]
pub fn observation(ran: &Ran) -> Observation {
    let outcome = &ran.outcome;
    let mut stdout = outcome.stdout.clone();
    if !outcome.stderr.is_empty() {
        if !stdout.is_empty() && !stdout.ends_with('\n') {
            stdout.push('\n');
        }
        stdout.push_str(&outcome.stderr);
    }
    let limits = outcome.limit.iter().map(|hit| LimitReached {
        name: hit.name.clone(),
        limit: hit.limit,
        actual: Some(hit.actual),
    });
    Observation {
        stdout,
        value: outcome.value.clone(),
        error: ran.error().map(|error| GuestError {
            kind: error.class.clone(),
            message: error.message.clone(),
            traceback: error.traceback.clone(),
        }),
        limits: limits.collect(),
        names: ran.names.clone(),
        displays: ran.pictures(),
        state_lost: ran.is_state_lost(),
    }
}

/// The text that the model is shown.
#[must_use]
pub fn shown(code: &str, ran: &Ran, options: &ObservationOptions) -> String {
    let mut lines: Vec<String> = Vec::new();
    let (outcome, error) = (&ran.outcome, ran.error());
    // One budget for all parts: what stands first has its place even before endless output.
    let mut room = Room::of(options.max_chars);
    let error = error.map(|error| room.take(&error_text(error), (1, 3), ""));
    let warnings = outcome.stderr.trim_end_matches('\n');
    let warnings = (!warnings.is_empty()).then(|| room.take(warnings, (1, 4), ""));
    let output = outcome.stdout.trim_end_matches('\n');
    let value = outcome.value.as_deref().filter(|_| options.value);
    let value_part = if output.is_empty() { (1, 1) } else { (1, 2) };
    let value = value.map(|value| {
        let whole = format!(
            "; all of it is still in `{}`",
            last_name(code).unwrap_or("_")
        );
        room.take(value, value_part, &whole)
    });
    if !output.is_empty() {
        lines.push(room.take(output, (1, 1), "; print less, or a part of it"));
    }
    lines.extend(warnings);
    lines.extend(value);
    for display in ran.pictures() {
        let size = match display.encoding {
            Encoding::Base64 => display.data.len() / 4 * 3,
            _ => display.data.len(),
        };
        let to = match options.pictures {
            Some(true) => "you and the user",
            _ => "the user",
        };
        lines.push(format!(
            "(shown to {to}: {}, {size} bytes)",
            display.media_type
        ));
    }
    lines.extend(error);
    if ran.is_submitted() {
        lines.push("Submitted.".to_owned());
    }
    if let Some(limit) = &outcome.limit {
        lines.push(limit_text(limit));
    }
    if ran.is_state_lost() {
        lines.push(
            "The session was lost with every name in it; a new one has begun. Make again what you need."
                .to_owned(),
        );
    } else if outcome.rolled_back {
        lines.push("The block was stopped; the scope is as it was before it.".to_owned());
    }
    if lines.is_empty() {
        lines.push("(no output)".to_owned());
    }
    if options.names {
        let passing = loop_names(code);
        let told: Vec<NameChange> = ran
            .names
            .iter()
            .filter(|name| !is_passing(name, &passing))
            .cloned()
            .collect();
        lines.extend(name_lines(&told, options.names_max));
    }
    lines.join("\n")
}

/// The characters that are left of an observation.
struct Room {
    left: usize,
}

impl Room {
    fn of(chars: usize) -> Self {
        Self { left: chars }
    }

    /// The text, cut to a part of what is left.
    fn take(&mut self, text: &str, (part, of): (usize, usize), where_whole: &str) -> String {
        let most = (self.left.saturating_mul(part) / of).max(PART_MIN_CHARS);
        let shown = cut(text, most, where_whole).into_owned();
        self.left = self.left.saturating_sub(shown.chars().count());
        shown
    }
}

/// Names that say nothing of what a block made: modules, and what its loops ran over.
fn is_passing(name: &NameChange, loops: &[&str]) -> bool {
    let is_module = name.kind.as_deref() == Some("module");
    is_module || (name.change != Change::Deleted && loops.contains(&name.name.as_str()))
}

/// The names that the loops of a block run over.
fn loop_names(code: &str) -> Vec<&str> {
    let heads = code.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("for ")?.split_once(" in ")
    });
    let names =
        heads.flat_map(|(names, _)| names.split(|c: char| !c.is_alphanumeric() && c != '_'));
    names.filter(|name| !name.is_empty()).collect()
}

fn error_text(error: &Exception) -> String {
    let traceback = error.traceback.trim_end();
    if !traceback.is_empty() {
        return traceback.to_owned();
    }
    match error.message.as_str() {
        "" => error.class.clone(),
        message => format!("{}: {message}", error.class),
    }
}

fn limit_text(hit: &LimitHit) -> String {
    let LimitHit {
        name,
        limit,
        actual,
    } = hit;
    format!("Limit {name}: {limit} allowed, {actual} reached.")
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
