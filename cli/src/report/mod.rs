//! Telling what turns came to: for people, or as JSON.

mod displays;
mod human;
mod json;
mod quantities;
mod streaming;

pub(crate) use displays::DisplayFolder;
pub(crate) use quantities::bytes;

use crate::context::{Context, Stream};
use anyhow::Result;
use memex_runtime::{Outcome, OutputSink, Session};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// For whom turns are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Json,
}

/// Tells turns, and remembers whether all of them went well.
#[derive(Debug)]
pub(crate) struct Reporter {
    format: Format,
    out: Stream,
    err: Stream,
    folder: Option<DisplayFolder>,
    /// Whether figures are shown after each turn.
    pub(crate) stats: bool,
    quiet: bool,
    filters: Arc<Mutex<streaming::Filters>>,
    /// Whether standard output is in the middle of a line.
    mid_line: Arc<AtomicBool>,
    hinted_at_out: bool,
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
            out: context.out,
            err: context.err,
            folder,
            stats,
            quiet,
            filters: Arc::new(Mutex::new(streaming::Filters::new(
                context.out.is_terminal,
                context.err.is_terminal,
            ))),
            mid_line: Arc::default(),
            hinted_at_out: false,
            failed: false,
        }
    }

    /// What a session's output goes to while a turn runs.
    pub(crate) fn sink(&self) -> Option<Box<dyn OutputSink>> {
        match self.format {
            Format::Json => None,
            Format::Human => Some(Box::new(streaming::Streams::new(
                Arc::clone(&self.filters),
                Arc::clone(&self.mid_line),
            ))),
        }
    }

    /// Tells one turn.
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
            Format::Human => self.human(session, outcome, paths.unwrap_or_default()),
        }
        failure.map_or(Ok(()), Err)
    }

    /// Tells that a turn met a fault of the host. The caller tells the error
    /// itself as it ends.
    pub(crate) fn fault(&self, turn: u64, error: &str) {
        self.filters.lock().finish();
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
        self.out
    }
}
