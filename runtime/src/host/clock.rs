//! The clocks of a session.

use memex_policies::Clock as ClockGrant;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clocks of a session.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    grant: ClockGrant,
    /// What the monotonic clock showed at `since`.
    monotonic_ns: u64,
    since: Instant,
    /// Time that a fixed clock has shown so far, after its start.
    fixed_ns: u64,
}

impl Clock {
    /// A session's clock. `monotonic_ns` is what its monotonic clock must not
    /// go back behind.
    pub(crate) fn new(grant: ClockGrant, monotonic_ns: u64) -> Self {
        Self {
            grant,
            monotonic_ns,
            since: Instant::now(),
            fixed_ns: monotonic_ns,
        }
    }

    pub(crate) fn realtime_ns(&mut self) -> u64 {
        match self.grant {
            ClockGrant::System => system_ns(),
            ClockGrant::Fixed { unix_ns, step_ns } => {
                self.fixed_ns = self.fixed_ns.saturating_add(step_ns);
                unix_ns.saturating_add(self.fixed_ns)
            }
        }
    }

    pub(crate) fn monotonic_ns(&mut self) -> u64 {
        match self.grant {
            ClockGrant::System => self.reading_ns(),
            ClockGrant::Fixed { step_ns, .. } => {
                self.fixed_ns = self.fixed_ns.saturating_add(step_ns);
                self.fixed_ns
            }
        }
    }

    /// The monotonic clock, without advancing a fixed one.
    pub(crate) fn reading_ns(&self) -> u64 {
        match self.grant {
            ClockGrant::System => self
                .monotonic_ns
                .saturating_add(nanos(self.since.elapsed())),
            ClockGrant::Fixed { .. } => self.fixed_ns,
        }
    }

    /// Makes the monotonic clock go on from at least `ns`.
    pub(crate) fn not_before(&mut self, ns: u64) {
        let reading = self.reading_ns();
        if reading < ns {
            *self = Self::new(self.grant, ns);
        }
    }

    /// Whether waiting takes real time. A fixed clock jumps instead.
    pub(crate) fn is_real(&self) -> bool {
        self.grant == ClockGrant::System
    }

    pub(crate) fn advance(&mut self, ns: u64) {
        self.fixed_ns = self.fixed_ns.saturating_add(ns);
    }

    /// Moves a fixed clock by what was waited for.
    pub(crate) fn jump(&mut self, time: Duration) {
        self.advance(nanos(time));
    }
}

fn system_ns() -> u64 {
    nanos(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
