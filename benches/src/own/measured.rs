//! The readings of one turn, and the figures that they make.

use crate::error::Error;
use crate::figure::Figure;
use crate::machine::Machine;
use crate::statistics::{Readings, Summary};
use memex_runtime::{Outcome, Status};
use std::time::Duration;

/// The readings of one turn.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnMeasured {
    /// How the first run ended.
    pub status: Status,
    /// What ended the first run that did not end well, in a line.
    pub failure: Option<String>,
    /// Runs that were read.
    pub runs: usize,
    /// Runs after the first that did not end well. They are not read.
    pub failed: usize,
    /// Whether the runs were ended before there were enough.
    pub is_cut_short: bool,
    /// From call to return, in microseconds, what the caller waits for included.
    pub wall_us: Readings,
    /// Time in the guest, waits for the host excluded, in microseconds.
    pub guest_us: Readings,
    /// Instructions, where they were counted.
    pub fuel: Readings,
    /// Calls to tools and displays.
    pub host_calls: Readings,
    /// Size of the guest's memory after the turn.
    pub memory_bytes: Readings,
    /// Pages that the turn changed.
    pub changed_pages: Readings,
    /// Size of the state after the turn as a store keeps it, of the first run.
    pub snapshot_bytes: Readings,
}

impl TurnMeasured {
    pub(super) fn new(first: &Outcome) -> Self {
        Self {
            status: first.status,
            failure: failure_of(first),
            runs: 0,
            failed: 0,
            is_cut_short: false,
            wall_us: Readings::default(),
            guest_us: Readings::default(),
            fuel: Readings::default(),
            host_calls: Readings::default(),
            memory_bytes: Readings::default(),
            changed_pages: Readings::default(),
            snapshot_bytes: Readings::default(),
        }
    }

    pub(super) fn take(&mut self, outcome: &Outcome, wall: Duration) {
        self.runs += 1;
        self.wall_us.push(wall.as_secs_f64() * 1e6);
        self.guest_us.push(outcome.guest_time.as_secs_f64() * 1e6);
        self.host_calls.push(outcome.host_calls as f64);
        self.memory_bytes.push(outcome.memory_bytes as f64);
    }

    pub(super) fn fail(&mut self, outcome: &Outcome) {
        self.failed += 1;
        if self.failure.is_none() {
            self.failure = failure_of(outcome);
        }
    }

    /// Whether every run ended well.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok && self.failed == 0
    }

    /// The least and the most fuel, where equal runs used different amounts.
    #[must_use]
    pub fn fuel_differs(&self) -> Option<(f64, f64)> {
        let least = self.fuel.summary("fuel").ok()?.min;
        let most = self.fuel.max()?;
        (least < most).then_some((least, most))
    }

    /// The figures of the turn, under its name: `NAME:QUANTITY`. A quantity that was not
    /// taken has none.
    ///
    /// # Errors
    /// Never for what a bench measured: each quantity here has readings.
    pub fn figures(&self, name: &str, machine: &Machine) -> Result<Vec<Figure>, Error> {
        let quantities = [
            ("wall_us", "us", &self.wall_us),
            ("guest_us", "us", &self.guest_us),
            ("fuel", "fuel", &self.fuel),
            ("host_calls", "calls", &self.host_calls),
            ("memory_bytes", "B", &self.memory_bytes),
            ("changed_pages", "pages", &self.changed_pages),
            ("snapshot_bytes", "B", &self.snapshot_bytes),
        ];
        let note = self.note(machine);
        let taken = quantities.into_iter().filter(|(_, _, of)| !of.is_empty());
        taken
            .map(|(quantity, unit, readings)| {
                let summary = readings.summary(quantity)?;
                Ok(Figure {
                    readings: readings.unless_all_equal(),
                    ..of_summary(format!("{name}:{quantity}"), unit, summary, note.clone())
                })
            })
            .collect()
    }

    fn note(&self, machine: &Machine) -> String {
        let how = match (&self.failure, self.status) {
            (Some(failure), Status::Ok) => {
                format!("{} further runs failed: {failure}", self.failed)
            }
            (Some(failure), _) => format!("failed, run once: {failure}"),
            _ => "each run in a fresh fork of one state".to_owned(),
        };
        let cut = match self.is_cut_short {
            true => "; cut short",
            false => "",
        };
        let differs = match self.fuel_differs() {
            Some((least, most)) => format!("; fuel differs between runs, {least} to {most}"),
            None => String::new(),
        };
        format!("{how}{cut}{differs}; {machine}")
    }
}

pub(super) fn of_summary(
    name: String,
    unit: &'static str,
    summary: Summary,
    note: String,
) -> Figure {
    Figure {
        name: name.into(),
        unit: unit.into(),
        n: summary.n,
        p50: summary.p50,
        p99: summary.p99,
        min: summary.min,
        note,
        readings: Vec::new(),
        target: None,
    }
}

/// What ended a turn, in one line of bounded length; `None` if it ended well.
#[must_use]
pub fn failure_of(outcome: &Outcome) -> Option<String> {
    const CHARS_MAX: usize = 160;
    if outcome.is_ok() {
        return None;
    }
    let what = match (&outcome.limit, &outcome.error, outcome.exit_code) {
        (Some(hit), _, _) => format!("limit {} of {} reached", hit.name, hit.limit),
        (None, Some(error), _) => {
            let first = error.message.lines().next().unwrap_or_default();
            format!("{}: {first}", error.class)
        }
        (None, None, Some(code)) => format!("SystemExit: {code}"),
        (None, None, None) => format!("{:?}", outcome.status).to_lowercase(),
    };
    Some(what.chars().take(CHARS_MAX).collect())
}
