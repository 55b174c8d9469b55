//! Reporting a turn to people.

use super::quantities::{bytes, duration, limit};
use super::streaming::{Filters, Streams};
use crate::console::{complain, print};
use crate::context::{Context, Stream};
use memex_escapes::harmless;
use memex_runtime::{GuestError, Outcome, OutputSink, Session, Status};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The people who read what is reported.
#[derive(Debug)]
pub(super) struct People {
    pub(super) out: Stream,
    err: Stream,
    /// Whether figures are shown after each turn.
    pub(super) stats: bool,
    quiet: bool,
    filters: Arc<Mutex<Filters>>,
    /// Whether standard output is in the middle of a line.
    mid_line: Arc<AtomicBool>,
    hinted_at_out: bool,
}

impl People {
    pub(super) fn new(context: &Context, stats: bool, quiet: bool) -> Self {
        let (out, err) = (context.out, context.err);
        let filters = Filters::new(out.is_terminal, err.is_terminal);
        Self {
            out,
            err,
            stats,
            quiet,
            filters: Arc::new(Mutex::new(filters)),
            mid_line: Arc::default(),
            hinted_at_out: false,
        }
    }

    /// What a session's output goes to while a turn runs.
    pub(super) fn sink(&self) -> Box<dyn OutputSink> {
        let (filters, mid_line) = (Arc::clone(&self.filters), Arc::clone(&self.mid_line));
        Box::new(Streams::new(filters, mid_line))
    }

    /// Ends what the code has left open.
    pub(super) fn finish(&self) {
        self.filters.lock().finish();
    }

    /// The output has been streamed already; this prints the rest. `paths` are
    /// those of displays, where they are written.
    pub(super) fn turn(
        &mut self,
        session: &mut Session,
        outcome: &Outcome,
        paths: Option<Vec<String>>,
    ) {
        self.finish();
        if self.mid_line.swap(false, Ordering::Relaxed) && self.out.is_terminal {
            print("\n");
        }
        if let Some(value) = &outcome.value {
            print(format!("{}\n", self.to_out(value)));
        }
        match (&outcome.error, outcome.exit_code) {
            (Some(error), _) => self.error(error),
            (None, Some(code)) => {
                let line = format!("SystemExit: {code}; the session continues");
                complain(&self.err.paint.faint(&line));
            }
            (None, None) => {}
        }
        self.limit(outcome);
        for path in paths.iter().flatten() {
            complain(&format!("{} {path}", self.err.paint.good("wrote")));
        }
        if !self.quiet && paths.is_none() && !self.hinted_at_out {
            let figures = outcome
                .displays
                .iter()
                .filter(|display| !display.main)
                .count();
            if figures > 0 {
                self.hinted_at_out = true;
                let plural = if figures == 1 { "" } else { "s" };
                let hint = self.err.paint.hint("hint:");
                complain(&format!(
                    "{hint} the turn displayed {figures} object{plural}; --out DIR writes them to files"
                ));
            }
        }
        if self.stats {
            self.figures(session, outcome);
        }
    }

    fn error(&self, error: &GuestError) {
        let paint = self.err.paint;
        let traceback = self.to_err(error.traceback.trim_end());
        let (frames, last) = traceback.rsplit_once('\n').unwrap_or(("", &traceback));
        for line in frames.lines() {
            complain(&paint.faint(line));
        }
        match (last, error.message.is_empty()) {
            ("", true) => complain(&paint.bad(&self.to_err(&error.class))),
            ("", false) => {
                let class = paint.bad(&self.to_err(&error.class));
                complain(&format!("{class}: {}", self.to_err(&error.message)));
            }
            _ => complain(&paint.bad(last)),
        }
    }

    fn limit(&self, outcome: &Outcome) {
        let paint = self.err.paint;
        if let Some(hit) = &outcome.limit {
            let (text, remedy) = limit(hit);
            let cut = match outcome.status {
                Status::Ok | Status::Exception => " (what is past it was cut)",
                _ => "",
            };
            complain(&format!("{} {text}{cut}", paint.warn("limit:")));
            if !self.quiet && !remedy.is_empty() {
                complain(&format!("{} {remedy}", paint.hint("hint:")));
            }
        }
        if outcome.rolled_back {
            complain(&paint.warn("rolled back: the session is as it was before this turn"));
        }
    }

    fn figures(&self, session: &mut Session, outcome: &Outcome) {
        let status = match outcome.status {
            Status::Ok => "ok",
            Status::Exception => "exception",
            Status::Limit => "limit",
            Status::Refused => "refused",
            Status::Fault => "fault",
        };
        let mut line = format!(
            "turn {}: {status}, {} (guest {})",
            outcome.turn,
            duration(outcome.wall_time),
            duration(outcome.guest_time)
        );
        if let Some(fuel) = outcome.fuel {
            line.push_str(&format!(", fuel {fuel}"));
        }
        let pages = session.dirty_pages();
        line.push_str(&format!(
            ", memory {}, {pages} pages of its own",
            bytes(outcome.memory_bytes)
        ));
        complain(&self.err.paint.faint(&line));
    }

    fn to_out(&self, text: &str) -> String {
        if self.out.is_terminal {
            harmless(text)
        } else {
            text.to_owned()
        }
    }

    fn to_err(&self, text: &str) -> String {
        if self.err.is_terminal {
            harmless(text)
        } else {
            text.to_owned()
        }
    }
}
