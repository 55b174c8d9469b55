//! Entering the guest: clocks, fuel, and the call itself.

use super::lifecycle::{LOST, Session};
use super::live::{CallError, Live};
use super::reply::answer_bytes_max;
use crate::error::Error;
use crate::interrupt::{Arming, PulseReport};
use std::time::Duration;

impl Session {
    /// Calls an entry point, and reads its answer while the clocks run; what it
    /// asks for may be a fork of this session.
    pub(super) fn call<R>(
        &mut self,
        entry: u32,
        payload: &[&[u8]],
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

    pub(super) fn answer_bytes_max(&self) -> usize {
        answer_bytes_max(&self.sandbox.policy().limits)
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

    pub(super) fn refuel(&mut self) -> Result<(), Error> {
        if let Some(limit) = self.sandbox.policy().limits.fuel {
            let used = self.turn.map_or(0, |turn| turn.fuel);
            let live = self.live.as_mut().ok_or(LOST)?;
            live.store
                .set_fuel(limit.saturating_sub(used))
                .map_err(Error::engine)?;
        }
        Ok(())
    }

    pub(super) fn count_fuel(&mut self) {
        if let (Some(limit), Some(turn), Some(live)) = (
            self.sandbox.policy().limits.fuel,
            &mut self.turn,
            &self.live,
        ) && let Ok(left) = live.store.get_fuel()
        {
            turn.fuel = limit.saturating_sub(left);
        }
    }
}
