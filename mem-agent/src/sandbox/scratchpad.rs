//! A session in which blocks of Python work on the memory.

use std::sync::Arc;

use memex_memory::Mode;
use memex_runtime::{Error, Interrupter, Outcome, Session, Status};
use memex_trajectories::NameChange;
use serde::Deserialize;

use super::tracking::{MODULE, literal};
use super::warnings::Warnings;

/// A session in which blocks of Python work on the memory, one after the other
/// and with the same variables. Blocking: it runs on the thread that calls it.
pub struct Scratchpad {
    session: Session,
    name: String,
    warnings: Arc<Warnings>,
}

/// The result of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockOutcome {
    /// The runtime's outcome.
    pub outcome: Outcome,
    /// The names that the block assigned or changed; none if they are unknown.
    pub assigned: Option<Assigned>,
    /// The warnings of the tools.
    pub warnings: Vec<String>,
}

/// The names that a block assigned or changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Assigned {
    /// Names and values, as Python shows the dictionary of them.
    Values(String),
    /// Names, and what became of them.
    Names(Changed),
}

/// What became of names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Changed {
    /// The names.
    pub names: Vec<NameChange>,
    /// The short texts, numbers and truths among the values, as assignments.
    pub values: Vec<String>,
}

impl std::fmt::Debug for Scratchpad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratchpad")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Scratchpad {
    pub(super) fn new(session: Session, name: String, warnings: Arc<Warnings>) -> Self {
        Self {
            session,
            name,
            warnings,
        }
    }

    /// Runs a block. What goes wrong in it is part of the outcome.
    ///
    /// # Errors
    /// The session is lost.
    pub fn run(&mut self, code: &str, mode: Mode) -> Result<BlockOutcome, Error> {
        let outcome = self.session.run(code)?;
        let warnings = self.warnings.take(&self.name);
        let is_lost = outcome.rolled_back || outcome.status == Status::Refused;
        let assigned = match is_lost {
            true => None,
            false => self.assigned(code, &outcome, mode)?,
        };
        Ok(BlockOutcome {
            outcome,
            assigned,
            warnings,
        })
    }

    /// The outcome of a block as every front end says it.
    pub(super) fn said(&mut self, outcome: &Outcome) -> memex_sessions::Outcome {
        memex_sessions::Outcome::of(outcome, &mut self.session)
    }

    /// Ends what runs, from another thread.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        self.session.interrupter()
    }

    fn assigned(
        &mut self,
        code: &str,
        outcome: &Outcome,
        mode: Mode,
    ) -> Result<Option<Assigned>, Error> {
        let line = match last_line(outcome) {
            Some(line) => line.to_string(),
            None => "None".to_owned(),
        };
        let function = match mode {
            Mode::Compat => "values",
            Mode::Extended => "names",
        };
        let source = literal(code);
        let question =
            format!("__import__('sys').modules['{MODULE}'].{function}({source}, {line})");
        let told = self.session.run(&question)?;
        // If user code altered the module, report no names.
        if !told.is_ok() || told.stdout.truncated && mode == Mode::Extended {
            return Ok(None);
        }
        let text = told.stdout.text;
        Ok(match mode {
            Mode::Compat => Some(Assigned::Values(text)),
            Mode::Extended => serde_json::from_str(&text).ok().map(Assigned::Names),
        })
    }
}

/// The line of the block itself at which an exception ended it.
fn last_line(outcome: &Outcome) -> Option<u64> {
    let error = outcome.error.as_ref()?;
    let frame = format!("File \"<turn {}>\", line ", outcome.turn);
    let (_, rest) = error.traceback.split_once(&frame)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
