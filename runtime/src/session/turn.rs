//! One turn: whether it may begin, entering the guest, and its clocks.

use super::ending::dispatcher_error;
use super::lifecycle::{LOST, Session, SessionState, Step};
use super::live::{CallError, Live};
use super::outcome::{GuestError, LimitHit, Outcome, Status};
use super::reply::{Answer, Finished, answer_bytes_max, decode};
use crate::error::Error;
use crate::interrupt::{Arming, Cause, PulseReport};
use memex_channel::LOST_ANSWERS;
use std::time::{Duration, Instant};

/// A turn that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct TurnInProgress {
    pub(super) number: u64,
    pub(super) began: Instant,
    /// Time used so far, in the guest and in all.
    pub(super) used: (Duration, Duration),
    /// Fuel used so far.
    pub(super) fuel: u64,
    /// Why it was told to end while it waited.
    pub(super) interrupted: Option<Cause>,
    /// What a fixed clock moves by when the wait under way is over.
    pub(super) jump: Option<Duration>,
}

impl Session {
    /// Begins a turn and runs it until it is over or has to wait.
    ///
    /// [`Session::run`] is this and [`Session::resume`] in a loop.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn start(&mut self, code: &str) -> Result<Step, Error> {
        self.caught(|session| session.begin(code))
    }

    fn begin(&mut self, code: &str) -> Result<Step, Error> {
        match self.state {
            SessionState::Ready => {}
            SessionState::Waiting { .. } => {
                return Err(Error::State {
                    state: "waiting",
                    remedy: "resume or cancel its turn first",
                });
            }
            SessionState::Lost => return Err(LOST),
        }
        if let Some(refusal) = self.refusal(code) {
            return Ok(Step::Done(Box::new(refusal)));
        }
        if std::mem::take(&mut self.calls_stayed_behind) {
            // Tasks at rest learn it before the turn makes calls of its own.
            let resume = self.sandbox.image().map().entries.resume;
            self.ask(resume, &LOST_ANSWERS, self.answer_bytes_max())?;
        }
        self.settle()?;
        self.turns += 1;
        let number = self.turns;
        let live = self.live.as_mut().ok_or(LOST)?;
        live.store.data_mut().begin_turn();
        self.turn = Some(TurnInProgress {
            number,
            began: Instant::now(),
            used: (Duration::ZERO, Duration::ZERO),
            fuel: 0,
            interrupted: None,
            jump: None,
        });
        let mut payload = Vec::with_capacity(4 + code.len());
        payload.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
        payload.extend_from_slice(code.as_bytes());
        let run = self.sandbox.image().map().entries.run;
        self.enter(run, &payload)
    }

    /// Why a turn may not begin, as its outcome.
    fn refusal(&self, code: &str) -> Option<Outcome> {
        let limits = &self.sandbox.policy().limits;
        let hit = if self.turns >= limits.turns {
            LimitHit::new("turns", limits.turns, self.turns + 1)
        } else if code.len() as u64 > limits.code_bytes {
            LimitHit::new("code_bytes", limits.code_bytes, code.len() as u64)
        } else {
            return None;
        };
        let message = format!(
            "{} is limited to {}, and this would be {}",
            hit.name, hit.limit, hit.actual
        );
        let error = GuestError {
            class: "Refused".into(),
            message,
            ..GuestError::default()
        };
        Some(Outcome {
            turn: self.turns + 1,
            status: Status::Refused,
            stdout: Default::default(),
            stderr: Default::default(),
            value: None,
            displays: Vec::new(),
            error: Some(error),
            exit_code: None,
            limit: Some(hit),
            rolled_back: false,
            fuel: None,
            wall_time: Duration::ZERO,
            guest_time: Duration::ZERO,
            host_calls: 0,
            memory_bytes: self.memory_bytes(),
        })
    }

    /// Takes the state to return to if the turn has to be rolled back.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.rest.current {
            return Ok(());
        }
        let live = self.live.as_mut().ok_or(LOST)?;
        self.rest.heap.refresh(live, self.sandbox.memory_image())?;
        self.rest.files = live.store.data().files_ref().checkpoint();
        self.rest.current = true;
        self.rest.seeded = true;
        Ok(())
    }

    pub(super) fn arm(&mut self) -> Result<(), Error> {
        let (guest_time, wall_time) = self.allowance();
        let used = self.turn.map(|turn| turn.used).unwrap_or_default();
        let grace = Duration::from_millis(self.sandbox.policy().limits.grace_ms);
        self.arm_with(Arming {
            addresses: self.sandbox.image().map().interrupt,
            guest_time,
            wall_time,
            grace,
            used,
        })
    }

    pub(super) fn arm_with(&mut self, arming: Arming) -> Result<(), Error> {
        let live = self.live.as_mut().ok_or(LOST)?;
        let due = live.arm(arming);
        self.sandbox.runtime().watchdog().look_at(due);
        Ok(())
    }

    pub(super) fn disarm(&mut self) -> PulseReport {
        let live = self.live.as_mut();
        let report = live.map(Live::disarm).unwrap_or_default();
        if let Some(turn) = &mut self.turn {
            turn.used = (report.guest_time, report.wall_time);
        }
        report
    }

    /// Calls an entry point with the turn's limits on.
    pub(super) fn enter(&mut self, entry: u32, payload: &[u8]) -> Result<Step, Error> {
        self.rest.current = false;
        self.refuel()?;
        self.arm()?;
        let result = self.call(entry, payload, self.answer_bytes_max(), decode)?;
        let report = self.disarm();
        self.count_fuel();
        let finished = match result {
            Ok(Ok(Answer::Waiting(timeout))) => return self.park(timeout),
            Ok(Ok(Answer::Done(finished))) => finished,
            Ok(Err(message)) => dispatcher_error(&message),
            Err(CallError::Trap(error)) => return self.roll_back(&error, report),
            Err(error @ CallError::NoRoom) => Finished {
                // The turn has changed nothing, so taking it back gains nothing.
                is_ruined: false,
                ..dispatcher_error(&error.to_string())
            },
            Err(error) => dispatcher_error(&error.to_string()),
        };
        self.finish(finished, report)
    }

    pub(super) fn answer_bytes_max(&self) -> usize {
        answer_bytes_max(&self.sandbox.policy().limits)
    }

    /// Calls an entry point, and reads its answer while the clocks run; what it
    /// asks for may be a fork of this session.
    pub(super) fn call<R>(
        &mut self,
        entry: u32,
        payload: &[u8],
        bytes_max: usize,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Result<R, CallError>, Error> {
        let live = self.live.as_mut().ok_or(LOST)?;
        if let Some(forking) = &mut live.store.data_mut().forking {
            forking.begin(&self.rest.heap, self.turns, self.streak);
        }
        let result = live.call(entry, payload, bytes_max, read);
        if let Some(forking) = &mut live.store.data_mut().forking {
            forking.end();
        }
        Ok(result)
    }

    fn refuel(&mut self) -> Result<(), Error> {
        if let Some(limit) = self.sandbox.policy().limits.fuel {
            let used = self.turn.map_or(0, |turn| turn.fuel);
            let live = self.live.as_mut().ok_or(LOST)?;
            live.store
                .set_fuel(limit.saturating_sub(used))
                .map_err(Error::engine)?;
        }
        Ok(())
    }

    fn count_fuel(&mut self) {
        if let (Some(limit), Some(turn), Some(live)) = (
            self.sandbox.policy().limits.fuel,
            &mut self.turn,
            &self.live,
        ) && let Ok(left) = live.store.get_fuel()
        {
            turn.fuel = limit.saturating_sub(left);
        }
    }

    /// Calls an entry point that is no turn, for at most `bytes_max` bytes of
    /// answer. `None` when the guest's side went wrong; the session is as before
    /// then.
    pub(super) fn ask(
        &mut self,
        entry: u32,
        payload: &[u8],
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.caught(|session| session.question(entry, payload, bytes_max))
    }

    fn question(
        &mut self,
        entry: u32,
        payload: &[u8],
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        match self.state {
            SessionState::Ready => {}
            SessionState::Lost => return Err(LOST),
            SessionState::Waiting { .. } => {
                return Err(Error::State {
                    state: "waiting",
                    remedy: "finish its turn first",
                });
            }
        }
        self.settle()?;
        self.rest.current = false;
        self.refuel()?;
        self.arm()?;
        let live = self.live.as_mut().ok_or(LOST)?;
        live.store.data_mut().begin_turn();
        let result = self.call(entry, payload, bytes_max, <[u8]>::to_vec)?;
        self.disarm();
        if let Err(CallError::Trap(_)) = result {
            self.go_back()?;
        }
        let live = self.live.as_mut().ok_or(LOST)?;
        live.store.data_mut().forget_turn();
        Ok(result.ok())
    }
}

impl Live {
    pub(super) fn into_error(error: CallError) -> Error {
        match error {
            CallError::Trap(error) => Error::engine(error),
            other => Error::Engine(other.to_string()),
        }
    }
}
