//! After a turn that went wrong: whether the session can run another one.
//!
//! ```text
//!  a turn was interrupted, was refused memory, or may never have begun
//!    │
//!    ├─ an empty turn runs ───────────────────────────────► it stays as it is
//!    └─ none does ─► back before the turn ─ one runs ─────► rolled back
//!                        └─ none does ─► hooks taken off ─► rolled back
//! ```
//! A turn that never began has nothing to be taken back: hooks are taken off
//! where it stands. So they are after turns in a row that ended badly, whatever
//! the empty turn does: a hook can recognise that one and spare it.
//!
//! Code can hang itself into the interpreter (callbacks of `sys.monitoring`,
//! audit hooks, importers, streams) where every later turn passes, or keep the
//! last byte of memory. Whether it did is asked only after a turn that went
//! wrong, by running an empty one: a session that is well is never asked.
//!
//! Nothing outside of the session happens meanwhile: output is dropped, host
//! calls are refused, and host directories are read-only.

use super::lifecycle::{LOST, Session, SessionState};
use super::live::CallError;
use super::outcome::{GuestError, Outcome, Status};
use super::reply::ERROR_ANSWER_BYTES_MAX;
use crate::error::Error;
use crate::host::{Apart, LimitHit, Stream};
use crate::interrupt::{Arming, Cause};
use memex_filesystem::FileSystem;
use std::sync::Arc;
use std::time::Duration;

/// Time for an empty turn, which takes a few hundred microseconds, and no more
/// than a turn has. Nothing but a session that cannot run one uses it up.
const CHECK_TIME_MAX: Duration = Duration::from_secs(1);
/// The least, however little a turn has: on a busy machine a session that is
/// well must not be found to be ill.
const CHECK_TIME_MIN: Duration = Duration::from_millis(100);

const BACK: &str = "what the turn left behind kept the next one from running; the session is back in its state before the turn";
const HOOKS_OFF: &str = "what earlier turns had hung into the interpreter kept this one from running; hooks (tracing, monitoring, audit, imports, garbage collection, asyncio, replaced streams) are taken off";
const BACK_AND_HOOKS_OFF: &str = "what earlier turns had hung into the interpreter kept turns from running; the session is back in its state before the turn, and hooks (tracing, monitoring, audit, imports, garbage collection, asyncio, replaced streams) are taken off";
const STREAK: &str = "too many turns in a row were stopped or failed: hooks that code had set (tracing, monitoring, audit, imports, garbage collection, asyncio, replaced streams) are taken off";
const STUCK: &str = "too many turns in a row were stopped or failed, and hooks that code may have set cannot be taken off\nhint: rewind the session to an earlier state, or start another";
const BEYOND: &str = "no turn can run in this session any more, not before this turn either\nhint: rewind it to an earlier state, or start another";

/// What became of a guest that was called apart from turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// It answered as it should.
    Well,
    /// The same, and there were hooks that it has taken off.
    Changed,
    /// It answered with something else.
    Ill,
    /// It trapped, and has to be replaced.
    Dead,
}

impl Session {
    /// Makes sure that a turn can follow the one that `outcome` tells of; `full`
    /// is the memory that it was refused.
    pub(super) fn recover(
        &mut self,
        outcome: &mut Outcome,
        full: Option<LimitHit>,
    ) -> Result<(), Error> {
        if self.can_run()? {
            return Ok(());
        }
        outcome.limit = outcome.limit.take().or(full);
        self.take_back(outcome)
    }

    /// The same after a turn whose own code may never have begun: there is
    /// nothing to take back then.
    pub(super) fn recover_in_place(&mut self, outcome: &mut Outcome) -> Result<(), Error> {
        let mut state = self.check()?;
        if state.is_well() {
            return Ok(());
        }
        if state == Check::Ill {
            state = self.take_hooks_off()?;
        }
        if state.is_well() {
            state = self.check()?;
        }
        match state {
            Check::Well | Check::Changed => {
                self.streak.clear();
                note(outcome, HOOKS_OFF);
            }
            Check::Ill => {}
            Check::Dead => self.take_back(outcome)?,
        }
        Ok(())
    }

    /// Takes hooks off where turns go on ending badly, whatever the check says.
    /// The turn's own work stays, unless the session cannot run another turn.
    pub(super) fn end_streak(&mut self, outcome: &mut Outcome) -> Result<(), Error> {
        if !self.streak.is_over() {
            return Ok(());
        }
        self.streak.clear();
        match self.take_hooks_off()? {
            Check::Ill => self.tell(outcome, STUCK),
            Check::Dead => self.take_back(outcome)?,
            _ if !self.can_run()? => self.take_back(outcome)?,
            Check::Changed => self.tell(outcome, STREAK),
            // Code that runs into its limits and has set no hooks.
            Check::Well => {}
        }
        Ok(())
    }

    /// Adds a line to an outcome that is otherwise as it was: to its error, or
    /// to what was written to stderr.
    fn tell(&mut self, outcome: &mut Outcome, what: &str) {
        if let Some(error) = &mut outcome.error {
            append(&mut error.message, what);
        } else if let Some(live) = &mut self.live {
            let host = live.store.data_mut();
            host.output(Stream::Stderr, format!("memex: {what}\n").as_bytes());
            let line = host.stderr.take();
            outcome.stderr.text.push_str(&line.text);
            outcome.stderr.total_bytes += line.total_bytes;
            outcome.stderr.truncated |= line.truncated;
        }
    }

    fn take_back(&mut self, outcome: &mut Outcome) -> Result<(), Error> {
        self.go_back()?;
        let was_back = std::mem::replace(&mut outcome.rolled_back, true);
        let what = if !was_back && self.can_run()? {
            BACK
        } else {
            self.go_back()?;
            // Taking hooks off once more would gain nothing.
            self.streak.clear();
            if self.take_hooks_off()?.is_well() && self.can_run()? {
                BACK_AND_HOOKS_OFF
            } else {
                self.go_back()?;
                BEYOND
            }
        };
        note(outcome, what);
        outcome.memory_bytes = self.memory_bytes();
        Ok(())
    }

    /// Puts the session back where it was before the turn, in a fresh guest.
    /// It is lost where that fails.
    pub(super) fn go_back(&mut self) -> Result<(), Error> {
        let gone_back = self.restore_rest();
        if gone_back.is_err() {
            self.lose();
        }
        gone_back
    }

    fn restore_rest(&mut self) -> Result<(), Error> {
        self.state = SessionState::Lost;
        let live = self.live.take().ok_or(LOST)?;
        let mut host = live.retire(self.sandbox.image().pool());
        host.calls.roll_back();
        let (files, _lost) = FileSystem::restore(
            Arc::clone(self.sandbox.namespace()),
            self.sandbox.quota(),
            &self.rest.files,
        );
        host.set_files(files);
        host.memory = None;
        host.allocate = None;
        self.live = Some(self.sandbox.instantiate(host)?);
        let heap = self.rest.heap.clone();
        self.install(&heap)?;
        if !self.rest.seeded {
            self.reseed()?;
        }
        self.rest.current = true;
        self.turn = None;
        self.state = SessionState::Ready;
        Ok(())
    }

    /// Whether an empty turn runs. What answers `false` has to be taken back.
    fn can_run(&mut self) -> Result<bool, Error> {
        Ok(self.check()?.is_well())
    }

    /// Runs an empty turn.
    fn check(&mut self) -> Result<Check, Error> {
        let check = self.sandbox.image().map().entries.check;
        self.apart(check, |answer| answer.is_empty().then_some(Check::Well))
    }

    /// Takes off what code hung into the interpreter: the words that hold it
    /// are as in the image again, and the dispatcher removes the rest while no
    /// trace function is called.
    fn take_hooks_off(&mut self) -> Result<Check, Error> {
        let map = self.sandbox.image().map();
        let (tracing, disarm) = (map.running.tracing, map.entries.disarm);
        let image = self.sandbox.memory_image();
        let live = self.live.as_mut().ok_or(LOST)?;
        let mut changed = false;
        for &at in &map.hooks {
            let word = image.word(at).unwrap_or(0);
            changed |= live.read_word(at) != Some(word);
            live.set_word(at, word)?;
        }
        live.set_word(tracing, 1)?;
        let state = self.apart(disarm, |answer| match answer {
            b"" => Some(Check::Well),
            b"+" => Some(Check::Changed),
            _ => None,
        })?;
        let live = self.live.as_mut().ok_or(LOST)?;
        live.set_word(tracing, 0)?;
        Ok(match state {
            Check::Well if changed => Check::Changed,
            state => state,
        })
    }

    fn check_time(&self) -> Duration {
        let turn = Duration::from_millis(self.sandbox.policy().limits.guest_time_ms);
        turn.clamp(CHECK_TIME_MIN, CHECK_TIME_MAX)
    }

    /// Calls an entry point that is neither a turn nor a question, with nobody
    /// to hear what code says or asks for meanwhile. `read` tells what an answer
    /// means; `None` is one that should not be.
    fn apart(&mut self, entry: u32, read: fn(&[u8]) -> Option<Check>) -> Result<Check, Error> {
        self.rest.current = false;
        let time = self.check_time();
        let is_metered = self.sandbox.is_metered();
        let live = self.live.as_mut().ok_or(LOST)?;
        if is_metered {
            // The turn has paid with its own; this one is bounded by time.
            live.store.set_fuel(u64::MAX).map_err(Error::engine)?;
        }
        live.store.data_mut().set_apart(Some(Apart::Check));
        self.arm_with(Arming {
            addresses: self.sandbox.image().map().interrupt,
            guest_time: time,
            wall_time: time,
            grace: Duration::ZERO,
            used: Default::default(),
        })?;
        let result = self.call(entry, &[], ERROR_ANSWER_BYTES_MAX, read)?;
        let report = self.disarm();
        let live = self.live.as_mut().ok_or(LOST)?;
        let host = live.store.data_mut();
        host.set_apart(None);
        host.forget_turn();
        Ok(match result {
            Ok(Some(state)) => state,
            // An interrupt from outside says nothing about the session.
            Ok(None) if report.soft == Some(Cause::Request) => Check::Well,
            Err(CallError::Trap(_)) => Check::Dead,
            Ok(None)
            | Err(CallError::NoRoom | CallError::Malformed(_) | CallError::TooLarge { .. }) => {
                Check::Ill
            }
        })
    }
}

impl Check {
    fn is_well(self) -> bool {
        matches!(self, Self::Well | Self::Changed)
    }
}

fn append(message: &mut String, what: &str) {
    if !message.is_empty() {
        message.push_str("; ");
    }
    message.push_str(what);
}

/// Says in an outcome that the turn was taken back, and why.
fn note(outcome: &mut Outcome, what: &str) {
    outcome.value = None;
    outcome.exit_code = None;
    // Output that was cut ends no turn.
    let ends = |hit: &LimitHit| !matches!(hit.name.as_str(), "stdout_bytes" | "stderr_bytes");
    outcome.status = match &outcome.limit {
        Some(hit) if ends(hit) => Status::Limit,
        _ => Status::Exception,
    };
    match &mut outcome.error {
        Some(error) => append(&mut error.message, what),
        // It came to an end all the same.
        None => {
            let class = match &outcome.limit {
                Some(hit) if hit.name == "memory_bytes" => "MemoryError",
                Some(_) => "TimeoutError",
                None => "KeyboardInterrupt",
            };
            outcome.error = Some(GuestError {
                class: class.into(),
                message: what.into(),
                ..GuestError::default()
            });
        }
    }
}
