//! Turns that wait: going on with one, ending it, and waiting on its behalf.

use super::lifecycle::{LOST, Session, SessionState, Step};
use super::outcome::Outcome;
use crate::error::Error;
use crate::interrupt::{Cause, PulseReport, WaitEnd};
use crate::wasi::HardInterrupt;
use memex_channel::{LOST_ANSWERS, encode_answers};
use std::task::Waker;
use std::time::Instant;

impl Session {
    /// Runs a block of code to its end, waiting where the code waits.
    ///
    /// What goes wrong in the guest is part of the [`Outcome`]; the session is
    /// ready for the next turn after every outcome but [`Fault`].
    ///
    /// # Errors
    /// When the session is not ready, or the host fails; the session is lost
    /// in the second case. A sink, tools or forks that panic are such a failure
    /// ([`Error::Panicked`]).
    ///
    /// [`Fault`]: crate::Status::Fault
    pub fn run(&mut self, code: &str) -> Result<Outcome, Error> {
        let mut step = self.start(code)?;
        loop {
            match step {
                Step::Done(outcome) => return Ok(*outcome),
                Step::Waiting { until } => step = self.wait(until)?,
            }
        }
    }

    /// Goes on with a waiting turn.
    ///
    /// # Errors
    /// As [`Session::run`]; also when no turn waits.
    pub fn resume(&mut self) -> Result<Step, Error> {
        self.caught(Self::go_on)
    }

    fn go_on(&mut self) -> Result<Step, Error> {
        self.expect_waiting()?;
        if std::mem::take(&mut self.calls_stayed_behind) {
            // Before the guest can make calls of its own.
            return self.lose_answers();
        }
        let resume = self.sandbox.image().map().entries.resume;
        let calls = &mut self.live.as_mut().ok_or(LOST)?.store.data_mut().calls;
        let answers = if calls.has_answers() {
            encode_answers(&calls.take_answers())
        } else {
            self.jump();
            Vec::new()
        };
        self.enter(resume, &answers)
    }

    /// Waits for what a waiting turn waits for, within its limits, and goes on with it.
    /// [`Session::run`] is [`Session::start`], and this as long as the turn waits.
    ///
    /// # Errors
    /// As [`Session::resume`].
    pub fn wait_and_resume(&mut self) -> Result<Step, Error> {
        self.expect_waiting()?;
        match self.state {
            SessionState::Waiting { until } => self.wait(until),
            _ => Err(LOST),
        }
    }

    /// Ends a waiting turn by raising the built-in exception `class` where it
    /// waits. The code may catch it and go on, or wait again.
    ///
    /// # Errors
    /// As [`Session::resume`].
    pub fn cancel(&mut self, class: &str) -> Result<Step, Error> {
        self.expect_waiting()?;
        let cancel = self.sandbox.image().map().entries.cancel;
        self.caught(|session| session.enter(cancel, class.as_bytes()))
    }

    /// Tells the guest that no call it awaits will ever be answered; it raises
    /// where it awaits one.
    fn lose_answers(&mut self) -> Result<Step, Error> {
        let resume = self.sandbox.image().map().entries.resume;
        self.enter(resume, &LOST_ANSWERS)
    }

    /// Wakes whoever drives this session by [`Session::start`] and
    /// [`Session::resume`] when a call that the guest awaits is answered.
    pub fn wake_with(&mut self, waker: Waker) {
        if let Some(live) = &mut self.live {
            live.store.data_mut().calls.wake_with(waker);
        }
    }

    /// Whether a waiting turn would find answers to calls that it awaits.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|live| live.store.data().calls.has_answers())
    }

    fn expect_waiting(&self) -> Result<(), Error> {
        match self.state {
            SessionState::Waiting { .. } => Ok(()),
            SessionState::Ready => Err(Error::State {
                state: "ready",
                remedy: "start a turn first",
            }),
            SessionState::Lost => Err(LOST),
        }
    }

    /// Waits in the host for a waiting turn, until `until` or an interrupt.
    pub(super) fn wait(&mut self, until: Option<Instant>) -> Result<Step, Error> {
        self.caught(|session| session.wait_until(until))
    }

    fn wait_until(&mut self, until: Option<Instant>) -> Result<Step, Error> {
        let mut cause = self.exhausted();
        let mut report = PulseReport::default();
        let host = self.live.as_mut().ok_or(LOST)?.store.data_mut();
        if std::mem::take(&mut self.calls_stayed_behind)
            || (until.is_none() && cause.is_none() && host.calls.pending() == 0)
        {
            // Nothing is left that can wake the guest. One that waits so again
            // and again uses up its time.
            return self.lose_answers();
        }
        if cause.is_none() {
            self.arm()?;
            let host = self.live.as_mut().ok_or(LOST)?.store.data_mut();
            let (calls, turn) = (&mut host.calls, &host.interrupter);
            calls.wake_with(turn.waker());
            let end = turn.wait(until, || calls.has_answers());
            report = self.disarm();
            let is_cut = matches!(end, WaitEnd::Soft | WaitEnd::Hard);
            cause = report.hard.or(report.soft).filter(|_| is_cut);
        }
        let Some(cause) = cause else {
            return self.resume();
        };
        match &mut self.turn {
            // It was told to end, and waits again.
            Some(turn) if turn.interrupted.is_some() => {
                let (guest_time, wall_time) = turn.used;
                report = PulseReport {
                    hard: Some(cause),
                    guest_time,
                    wall_time,
                    ..report
                };
                return self.roll_back(&wasmtime::Error::new(HardInterrupt), report);
            }
            Some(turn) => turn.interrupted = Some(cause),
            None => {}
        }
        match cause {
            Cause::Request => self.cancel("KeyboardInterrupt"),
            Cause::GuestTime | Cause::WallTime => self.cancel("TimeoutError"),
        }
    }

    /// The time that the turn has used up, if it has.
    fn exhausted(&self) -> Option<Cause> {
        let turn = self.turn?;
        let (guest_time, wall_time) = self.allowance();
        if turn.used.0 >= guest_time {
            Some(Cause::GuestTime)
        } else {
            (turn.used.1 >= wall_time).then_some(Cause::WallTime)
        }
    }

    /// Moves a fixed clock by what the turn waited for.
    fn jump(&mut self) {
        let jump = self.turn.as_mut().and_then(|turn| turn.jump.take());
        if let (Some(jump), Some(live)) = (jump, &mut self.live) {
            live.store.data_mut().clock.jump(jump);
        }
    }
}
