//! One turn: whether it may begin, and what entering the guest comes to.

use super::ending::dispatcher_error;
use super::in_progress::TurnInProgress;
use super::lifecycle::{LOST, Session, SessionState, Step};
use super::live::CallError;
use super::outcome::{GuestError, Outcome, Status};
use super::reply::{Answer, Finished, decode};
use crate::error::Error;
use crate::host::LimitHit;
use memex_channel::LOST_ANSWERS;
use std::time::{Duration, Instant};

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
            self.ask(resume, &[&LOST_ANSWERS], self.answer_bytes_max())?;
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

    /// Calls an entry point with the turn's limits on.
    pub(super) fn enter(&mut self, entry: u32, payload: &[u8]) -> Result<Step, Error> {
        self.rest.current = false;
        self.refuel()?;
        self.arm()?;
        let result = self.call(entry, &[payload], self.answer_bytes_max(), decode)?;
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

    /// The turn waits: no frame of it is on any stack.
    pub(super) fn park(&mut self, timeout: Option<Duration>) -> Result<Step, Error> {
        let host = self.live.as_mut().ok_or(LOST)?.store.data_mut();
        let jumps = !host.clock.is_real();
        // A fixed clock waits for nothing but answers.
        let wait = timeout.map(|timeout| match jumps && host.calls.pending() == 0 {
            true => Duration::ZERO,
            false => timeout,
        });
        if let Some(turn) = &mut self.turn {
            turn.jump = timeout.filter(|_| jumps);
        }
        let until = wait.and_then(|wait| Instant::now().checked_add(wait));
        self.state = SessionState::Waiting { until };
        Ok(Step::Waiting { until })
    }
}
