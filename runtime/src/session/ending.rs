//! How a turn ends: what comes back as an outcome.

use super::lifecycle::{Session, SessionState, Step};
use super::outcome::{GuestError, Outcome, Status};
use super::reply::{
    CLASS_BYTES_MAX, Finished, MESSAGE_BYTES_MAX, NOTE_BYTES_MAX, TRACEBACK_BYTES_MAX,
};
use crate::error::Error;
use crate::host::LimitHit;
use crate::interrupt::{Cause, PulseReport};
use crate::state::Ending;
use crate::wasi::GuestExit;
use memex_policies::Limits;
use std::time::Duration;
use wasmtime::Trap;

/// What a turn ends with when the guest's side of it does not answer as agreed.
const DISPATCHER_ERROR: &str = "DispatcherError";

impl Session {
    /// The outcome of a turn that returned.
    pub(super) fn finish(
        &mut self,
        finished: Finished,
        report: PulseReport,
    ) -> Result<Step, Error> {
        let (mut outcome, refusal) = self.outcome(report);
        let limits = &self.sandbox.policy().limits;
        outcome.value = finished.value;
        outcome.exit_code = finished.exit_code;
        outcome.error = finished.error;
        clip(&mut outcome, limits.value_bytes);
        let interrupted = report.soft.or(self.turn.and_then(|turn| turn.interrupted));
        let over_time = interrupted.and_then(|cause| time_limit(cause, limits, report));
        if let (Some(cause), Some(error)) = (report.soft, &mut outcome.error)
            && matches!(error.class.as_str(), "?" | DISPATCHER_ERROR)
        {
            // The interrupt struck while the guest was not looking for it.
            *error = interrupted_by(cause);
        }
        let (mut ended_by, mut full) = (None, None);
        if let Some(live) = &mut self.live {
            let host = live.store.data_mut();
            let refused = host.growth.refused.take();
            full = refused.map(|asked| LimitHit::new("memory_bytes", limits.memory_bytes, asked));
            let breach = host.files().take_breach();
            // By what the host has seen, and not by the exception alone. The depth of
            // Python's calls is the interpreter's to count: `RecursionError` is no limit
            // here.
            if let Some(error) = &outcome.error {
                ended_by = match error.class.as_str() {
                    _ if !refusal.is_empty() && error.message == refusal => outcome.limit.clone(),
                    "TimeoutError" => over_time.clone(),
                    class if class.ends_with("MemoryError") => full.clone(),
                    "OSError" => breach
                        .as_ref()
                        .map(|breach| LimitHit::new(breach.name, breach.limit, breach.actual)),
                    _ => None,
                };
            }
        }
        outcome.status = match (&outcome.error, &ended_by) {
            (_, Some(_)) => Status::Limit,
            (None, None) => Status::Ok,
            (Some(_), None) if finished.exited && outcome.exit_code == Some(0) => Status::Ok,
            (Some(_), None) => Status::Exception,
        };
        if let Some(hit) = ended_by.or(over_time) {
            outcome.limit = Some(hit);
        }
        self.turn = None;
        self.state = SessionState::Ready;
        let is_silent = !finished.exited && is_silent(&outcome);
        let ending = if interrupted.is_some() || finished.is_ruined || is_silent {
            Ending::Stopped
        } else if finished.exited || outcome.error.is_some() {
            Ending::Failed
        } else {
            Ending::Well
        };
        self.streak.add(ending);
        if interrupted.is_some() || full.is_some() || finished.is_ruined {
            self.recover(&mut outcome, full)?;
        } else if is_silent || (ending != Ending::Well && self.streak.is_suspect()) {
            self.recover_in_place(&mut outcome)?;
        }
        self.end_streak(&mut outcome)?;
        Ok(Step::Done(Box::new(outcome)))
    }

    /// The outcome of a turn that trapped: it is taken back.
    pub(super) fn roll_back(
        &mut self,
        error: &wasmtime::Error,
        report: PulseReport,
    ) -> Result<Step, Error> {
        let (mut outcome, _) = self.outcome(report);
        outcome.rolled_back = true;
        self.classify(error, report, &mut outcome);
        self.go_back()?;
        self.streak.add(Ending::Stopped);
        self.recover(&mut outcome, None)?;
        self.end_streak(&mut outcome)?;
        outcome.memory_bytes = self.memory_bytes();
        Ok(Step::Done(Box::new(outcome)))
    }

    /// What a trap was: a limit, or the guest's own doing.
    fn classify(&self, error: &wasmtime::Error, report: PulseReport, outcome: &mut Outcome) {
        let limits = &self.sandbox.policy().limits;
        let trap = error.downcast_ref::<Trap>();
        let (class, message, hit) = if let Some(cause) = report.hard {
            match time_limit(cause, limits, report) {
                Some(hit) => {
                    let message = format!(
                        "the turn did not end within {} ms after it was interrupted; it was stopped, and the session is back in its state before the turn",
                        limits.grace_ms
                    );
                    ("TimeoutError", message, Some(hit))
                }
                None => (
                    "KeyboardInterrupt",
                    rolled_back("the turn was stopped"),
                    None,
                ),
            }
        } else if let Some(GuestExit(status)) = error.downcast_ref::<GuestExit>() {
            let message = format!("the interpreter exited with status {status}");
            ("GuestExit", rolled_back(&message), None)
        } else if trap == Some(&Trap::StackOverflow) {
            let limit = limits.wasm_stack_bytes;
            let hit = LimitHit::new("wasm_stack_bytes", limit, limit + 1);
            (
                "RecursionError",
                rolled_back("the WebAssembly stack is exhausted"),
                Some(hit),
            )
        } else if trap == Some(&Trap::OutOfFuel) {
            let limit = limits.fuel.unwrap_or_default();
            let hit = LimitHit::new("fuel", limit, limit.saturating_add(1));
            (
                "OutOfFuel",
                rolled_back("the turn used up its fuel"),
                Some(hit),
            )
        } else {
            let message = trap.map_or_else(|| error.to_string(), Trap::to_string);
            (
                "GuestAbort",
                rolled_back(&format!("the interpreter stopped: {message}")),
                None,
            )
        };
        outcome.status = if hit.is_some() {
            Status::Limit
        } else {
            Status::Exception
        };
        if hit.is_some() {
            outcome.limit = hit;
        }
        outcome.error = Some(GuestError {
            class: class.into(),
            message,
            ..GuestError::default()
        });
    }

    /// What every outcome has, taken from the host's side, and what the guest
    /// was told about the last limit it ran into.
    pub(super) fn outcome(&mut self, report: PulseReport) -> (Outcome, String) {
        let metered = self.sandbox.is_metered();
        let memory_bytes = self.memory_bytes();
        let turn = self.turn;
        let mut outcome = Outcome {
            turn: turn.map_or(self.turns, |turn| turn.number),
            status: Status::Ok,
            stdout: Default::default(),
            stderr: Default::default(),
            value: None,
            displays: Vec::new(),
            error: None,
            exit_code: None,
            limit: None,
            rolled_back: false,
            fuel: turn.filter(|_| metered).map(|turn| turn.fuel),
            wall_time: turn.map_or(report.wall_time, |turn| turn.began.elapsed()),
            guest_time: report.guest_time,
            host_calls: 0,
            memory_bytes,
        };
        let mut refusal = String::new();
        if let Some(live) = &mut self.live {
            let host = live.store.data_mut();
            let cut = host
                .stdout
                .breach("stdout_bytes")
                .or(host.stderr.breach("stderr_bytes"));
            outcome.stdout = host.stdout.take();
            outcome.stderr = host.stderr.take();
            let ledger = std::mem::take(&mut host.turn);
            outcome.host_calls = ledger.host_calls;
            outcome.displays = ledger.displays;
            outcome.limit = ledger.limit.or(cut);
            refusal = ledger.refusal;
        }
        (outcome, refusal)
    }
}

/// Bounds what the guest says of a turn: its own bounds are as trustworthy as
/// the code that ran.
fn clip(outcome: &mut Outcome, value_bytes: u64) {
    if let Some(value) = &mut outcome.value {
        // The guest notes what it left out on top of its own bound.
        let value_bytes = usize::try_from(value_bytes).unwrap_or(usize::MAX);
        clip_text(value, value_bytes.saturating_add(NOTE_BYTES_MAX));
    }
    if let Some(error) = &mut outcome.error {
        clip_text(&mut error.class, CLASS_BYTES_MAX);
        clip_text(&mut error.message, MESSAGE_BYTES_MAX);
        clip_text(&mut error.traceback, TRACEBACK_BYTES_MAX);
    }
}

/// Cuts a text that is longer than `limit` bytes, with its true size at the
/// cut.
fn clip_text(text: &mut String, limit: usize) {
    if text.len() <= limit {
        return;
    }
    let mark = format!("… [{} bytes]", text.len());
    let keep = text.floor_char_boundary(limit.saturating_sub(mark.len()));
    text.truncate(keep);
    text.push_str(&mark);
    text.truncate(text.floor_char_boundary(limit));
    text.shrink_to_fit();
}

fn interrupted_by(cause: Cause) -> GuestError {
    let class = match cause {
        Cause::Request => "KeyboardInterrupt",
        Cause::GuestTime | Cause::WallTime => "TimeoutError",
    };
    GuestError {
        class: class.into(),
        message: "the turn was interrupted".into(),
        ..GuestError::default()
    }
}

/// Whether an exception comes from somewhere else than the turn's own code,
/// which may never have begun then. The text is the guest's: one that is forged
/// delays the check by a turn (see [`Streak`](crate::state::Streak)).
fn is_silent(outcome: &Outcome) -> bool {
    let frame = format!("\"<turn {}>\"", outcome.turn);
    let error = outcome.error.as_ref();
    error.is_some_and(|error| !error.traceback.contains(&frame))
}

fn rolled_back(what: &str) -> String {
    format!("{what}; the session is back in its state before the turn")
}

pub(super) fn dispatcher_error(message: &str) -> Finished {
    let error = GuestError {
        class: DISPATCHER_ERROR.into(),
        message: format!("the guest's dispatcher failed: {message}"),
        ..GuestError::default()
    };
    Finished {
        error: Some(error),
        is_ruined: true,
        ..Finished::default()
    }
}

/// The time limit behind an interrupt, if it was one.
fn time_limit(cause: Cause, limits: &Limits, report: PulseReport) -> Option<LimitHit> {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match cause {
        Cause::GuestTime => Some(LimitHit::new(
            "guest_time_ms",
            limits.guest_time_ms,
            ms(report.guest_time),
        )),
        Cause::WallTime => Some(LimitHit::new(
            "wall_time_ms",
            limits.wall_time_ms,
            ms(report.wall_time),
        )),
        Cause::Request => None,
    }
}
