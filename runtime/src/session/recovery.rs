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
//! where it stands.
//!
//! Code can hang itself into the interpreter (callbacks of `sys.monitoring`,
//! audit hooks, importers, streams) where every later turn passes, or keep the
//! last byte of memory. Whether it did is asked only after a turn that went
//! wrong, by running an empty one: a session that is well is never asked.

use super::lifecycle::{LOST, Session, SessionState};
use super::live::CallError;
use super::mid_turn::set;
use super::outcome::{GuestError, LimitHit, Outcome, Status};
use super::reply::ERROR_ANSWER_BYTES_MAX;
use crate::error::Error;
use crate::interrupt::{Arming, Cause};
use memex_filesystem::FileSystem;
use std::sync::Arc;
use std::time::Duration;

/// Time for an empty turn, which takes a few hundred microseconds. Nothing but
/// a session that cannot run one uses it up.
const CHECK_TIME: Duration = Duration::from_secs(1);

const BACK: &str = "what the turn left behind kept the next one from running; the session is back in its state before the turn";
const HOOKS_OFF: &str = "what earlier turns had hung into the interpreter kept this one from running; hooks (tracing, monitoring, audit, imports, garbage collection, replaced streams) are taken off";
const BACK_AND_HOOKS_OFF: &str = "what earlier turns had hung into the interpreter kept turns from running; the session is back in its state before the turn, and hooks (tracing, monitoring, audit, imports, garbage collection, replaced streams) are taken off";
const BEYOND: &str = "no turn can run in this session any more, not before this turn either\nhint: rewind it to an earlier state, or start another";

/// What became of a guest that was called apart from turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// It answered with nothing, as it should.
    Well,
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
        if state == Check::Well {
            return Ok(());
        }
        if state == Check::Ill {
            state = self.take_hooks_off()?;
        }
        if state == Check::Well {
            state = self.check()?;
        }
        match state {
            Check::Well => note(outcome, HOOKS_OFF),
            Check::Ill => {}
            Check::Dead => self.take_back(outcome)?,
        }
        Ok(())
    }

    fn take_back(&mut self, outcome: &mut Outcome) -> Result<(), Error> {
        self.go_back()?;
        let was_back = std::mem::replace(&mut outcome.rolled_back, true);
        let what = if !was_back && self.can_run()? {
            BACK
        } else {
            self.go_back()?;
            if self.take_hooks_off()? == Check::Well && self.can_run()? {
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
        Ok(self.check()? == Check::Well)
    }

    /// Runs an empty turn.
    fn check(&mut self) -> Result<Check, Error> {
        let check = self.sandbox.image().map().entries.check;
        self.apart(check)
    }

    /// Takes off what code hung into the interpreter: the words that hold it
    /// are as in the image again, and the dispatcher removes the rest while no
    /// trace function is called.
    fn take_hooks_off(&mut self) -> Result<Check, Error> {
        let map = self.sandbox.image().map();
        let (tracing, disarm) = (map.running.tracing, map.entries.disarm);
        let image = self.sandbox.memory_image();
        let live = self.live.as_mut().ok_or(LOST)?;
        for &at in &map.hooks {
            set(live, at, image.word(at).unwrap_or(0))?;
        }
        set(live, tracing, 1)?;
        let state = self.apart(disarm)?;
        let live = self.live.as_mut().ok_or(LOST)?;
        set(live, tracing, 0)?;
        Ok(state)
    }

    /// Calls an entry point that is neither a turn nor a question, with nobody
    /// to hear what code says or asks for meanwhile.
    fn apart(&mut self, entry: u32) -> Result<Check, Error> {
        self.rest.current = false;
        let is_metered = self.sandbox.is_metered();
        let live = self.live.as_mut().ok_or(LOST)?;
        if is_metered {
            // The turn has paid with its own; this one is bounded by time.
            live.store.set_fuel(u64::MAX).map_err(Error::engine)?;
        }
        live.store.data_mut().is_apart = true;
        self.arm_with(Arming {
            addresses: self.sandbox.image().map().interrupt,
            guest_time: CHECK_TIME,
            wall_time: CHECK_TIME,
            grace: Duration::ZERO,
            used: Default::default(),
        })?;
        let result = self.call(entry, &[], ERROR_ANSWER_BYTES_MAX, <[u8]>::is_empty)?;
        let report = self.disarm();
        let live = self.live.as_mut().ok_or(LOST)?;
        let host = live.store.data_mut();
        host.is_apart = false;
        host.forget_turn();
        Ok(match result {
            // An interrupt from outside says nothing about the session.
            Ok(is_empty) if is_empty || report.soft == Some(Cause::Request) => Check::Well,
            Err(CallError::Trap(_)) => Check::Dead,
            Ok(_)
            | Err(CallError::NoRoom | CallError::Malformed(_) | CallError::TooLarge { .. }) => {
                Check::Ill
            }
        })
    }
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
        Some(error) if error.message.is_empty() => error.message.push_str(what),
        Some(error) => {
            error.message.push_str("; ");
            error.message.push_str(what);
        }
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
