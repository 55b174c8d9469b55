//! What people see of a turn besides its output.

use super::Reporter;
use super::quantities::{bytes, duration, limit};
use crate::console::{complain, print};
use crate::escapes::harmless;
use memex_runtime::{GuestError, Outcome, Session, Status};
use std::sync::atomic::Ordering;

impl Reporter {
    /// The output has been streamed already; this tells the rest.
    pub(super) fn human(&mut self, session: &mut Session, outcome: &Outcome, paths: Vec<String>) {
        self.filters.lock().finish();
        if self.mid_line.swap(false, Ordering::Relaxed) && self.out.is_terminal {
            print("\n");
        }
        if let Some(value) = &outcome.value {
            print(format!("{}\n", self.to_out(value)));
        }
        match (&outcome.error, outcome.exit_code) {
            (Some(error), _) => self.error(error),
            (None, Some(code)) => {
                let line = format!("SystemExit: {code}; the session goes on");
                complain(&self.err.paint.faint(&line));
            }
            (None, None) => {}
        }
        self.limit(outcome);
        for path in &paths {
            complain(&format!("{} {path}", self.err.paint.good("wrote")));
        }
        if !self.quiet && self.folder.is_none() && !self.hinted_at_out {
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
