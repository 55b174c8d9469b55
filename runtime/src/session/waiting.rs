//! A turn that waits: going on with it, ending it, and waiting on its behalf.

use super::lifecycle::{LOST, Session, SessionState, Step};
use crate::error::Error;
use crate::interrupt::{Cause, PulseReport, WaitEnd};
use crate::wasi::HardInterrupt;
use memex_channel::{LOST_ANSWERS, encode_answers};
use std::task::Waker;
use std::time::{Duration, Instant};

impl Session {
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

    /// Guest and wall time that the turn may use in all. One that was told to
    /// end has the grace for that.
    pub(super) fn allowance(&self) -> (Duration, Duration) {
        let limits = &self.sandbox.policy().limits;
        let interrupted = self.turn.is_some_and(|turn| turn.interrupted.is_some());
        let grace = if interrupted { 2 * limits.grace_ms } else { 0 };
        (
            Duration::from_millis(limits.guest_time_ms.saturating_add(grace)),
            Duration::from_millis(limits.wall_time_ms.saturating_add(grace)),
        )
    }

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

    /// Moves a fixed clock by what the turn waited for.
    fn jump(&mut self) {
        let jump = self.turn.as_mut().and_then(|turn| turn.jump.take());
        if let (Some(jump), Some(live)) = (jump, &mut self.live) {
            live.store.data_mut().clock.jump(jump);
        }
    }
}
