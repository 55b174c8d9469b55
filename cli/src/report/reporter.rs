//! The reporter of a session's turns.

use super::displays::DisplayFolder;
use super::human::People;
use super::json;
use crate::context::{Context, Stream};
use anyhow::Result;
use memex_runtime::{Outcome, OutputSink, Session};

/// The reader for whom turns are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Json,
}

/// Reports turns, and records whether all of them succeeded.
#[derive(Debug)]
pub(crate) struct Reporter {
    format: Format,
    people: People,
    folder: Option<DisplayFolder>,
    failed: bool,
}

impl Reporter {
    pub(crate) fn new(
        format: Format,
        context: &Context,
        folder: Option<DisplayFolder>,
        stats: bool,
        quiet: bool,
    ) -> Self {
        Self {
            format,
            people: People::new(context, stats, quiet),
            folder,
            failed: false,
        }
    }

    /// What a session's output goes to while a turn runs.
    pub(crate) fn sink(&self) -> Option<Box<dyn OutputSink>> {
        match self.format {
            Format::Json => None,
            Format::Human => Some(self.people.sink()),
        }
    }

    /// Reports one turn.
    ///
    /// # Errors
    /// When its displays cannot be written.
    pub(crate) fn turn(&mut self, session: &mut Session, outcome: &Outcome) -> Result<()> {
        self.failed |= !outcome.is_ok();
        let paths = self
            .folder
            .as_mut()
            .map(|folder| folder.write(&outcome.displays));
        let (paths, failure) = match paths {
            Some(Err(error)) => (Some(Vec::new()), Some(error)),
            Some(Ok(paths)) => (Some(paths), None),
            None => (None, None),
        };
        match self.format {
            Format::Json => json::print(outcome, session, paths),
            Format::Human => self.people.turn(session, outcome, paths),
        }
        failure.map_or(Ok(()), Err)
    }

    /// Tells that a turn met a fault of the host. The caller tells the error
    /// itself as it ends.
    pub(crate) fn fault(&self, turn: u64, error: &str) {
        self.people.finish();
        if self.format == Format::Json {
            json::print_fault(turn, error);
        }
    }

    /// Whether some turn did not end well.
    pub(crate) fn any_failed(&self) -> bool {
        self.failed
    }

    /// Whether standard output is for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn out(&self) -> Stream {
        self.people.out
    }

    /// Shows figures after each turn from now on, or no longer.
    pub(crate) fn show_stats(&mut self, stats: bool) {
        self.people.stats = stats;
    }
}
