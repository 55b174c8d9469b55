//! How much a tenant uses, held against its quota.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::quota::Quota;
use crate::error::{ErrorKind, ServiceError};

const DAY_MS: u64 = 86_400_000;
/// Creations that may come at once after a pause, in seconds of the rate.
const BURST_S: f64 = 2.0;

/// What a tenant uses now.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sandboxes: usize,
    snapshots: usize,
    stored_bytes: u64,
    /// Bytes of bodies that were read and wait to be used.
    body_bytes: usize,
    /// Bytes of bodies whose requests are not answered yet.
    in_flight_bytes: usize,
    /// The day of UTC that `cpu_us` counts.
    day: u64,
    cpu_us: u64,
    /// Creations that are not paid for yet, and when that was.
    debt: f64,
    debt_at: Option<Instant>,
}

/// What a tenant uses, for reports.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Used {
    pub(crate) sandboxes: usize,
    pub(crate) snapshots: usize,
    pub(crate) stored_bytes: u64,
    pub(crate) cpu_us: u64,
}

impl Usage {
    /// Admits `count` more sandboxes, or says which quota is in the way.
    pub(crate) fn admit(&self, quota: &Quota, count: usize) -> Result<(), ServiceError> {
        let mut counts = self.0.lock();
        if counts.sandboxes.saturating_add(count) > quota.sandboxes {
            return Err(exhausted(
                "quota-sandboxes",
                format!(
                    "the tenant has {} sandboxes, of {} allowed",
                    counts.sandboxes, quota.sandboxes
                ),
                "delete sandboxes that are not used any more",
                Duration::from_secs(5),
            ));
        }
        counts.room_to_store(quota)?;
        let now = Instant::now();
        let since = counts
            .debt_at
            .map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let rate = quota.creates_per_s.max(0.001);
        let debt = (counts.debt - since.as_secs_f64() * rate).max(0.0);
        let burst = (rate * BURST_S).max(1.0);
        let wanted = count as f64;
        // What is larger than the burst is admitted when nothing is owed.
        if debt > 0.0 && debt + wanted > burst {
            let wait = (debt + wanted.min(burst) - burst) / rate;
            return Err(exhausted(
                "quota-creates",
                format!("the tenant may make {rate} sandboxes in a second"),
                "make them more slowly, or ask the operator for a higher `creates_per_s`",
                Duration::try_from_secs_f64(wait).unwrap_or(Duration::from_secs(60)),
            ));
        }
        counts.debt = debt + wanted;
        counts.debt_at = Some(now);
        counts.sandboxes = counts.sandboxes.saturating_add(count);
        Ok(())
    }

    /// Counts sandboxes that are there already: found at the start.
    pub(crate) fn found(&self, sandboxes: usize, snapshots: usize) {
        let mut counts = self.0.lock();
        counts.sandboxes = counts.sandboxes.saturating_add(sandboxes);
        counts.snapshots = counts.snapshots.saturating_add(snapshots);
    }

    /// Sandboxes have ended, or were not made after all.
    pub(crate) fn left(&self, sandboxes: usize) {
        let mut counts = self.0.lock();
        counts.sandboxes = counts.sandboxes.saturating_sub(sandboxes);
    }

    /// Admits one more snapshot.
    pub(crate) fn admit_snapshot(&self, quota: &Quota) -> Result<(), ServiceError> {
        let mut counts = self.0.lock();
        if counts.snapshots >= quota.snapshots {
            return Err(exhausted(
                "quota-snapshots",
                format!(
                    "the tenant has {} snapshots, as many as allowed",
                    counts.snapshots
                ),
                "delete snapshots that are not used any more",
                Duration::from_secs(5),
            ));
        }
        counts.room_to_store(quota)?;
        counts.snapshots += 1;
        Ok(())
    }

    /// A snapshot is gone.
    pub(crate) fn snapshot_left(&self) {
        let mut counts = self.0.lock();
        counts.snapshots = counts.snapshots.saturating_sub(1);
    }

    /// Counts the body of a request, or refuses it where too much of the tenant's waits
    /// already. One that is larger than the bound is taken where it is the only one.
    pub(crate) fn admit_body(&self, quota: &Quota, bytes: usize) -> Result<(), ServiceError> {
        let mut counts = self.0.lock();
        let held = counts.body_bytes.saturating_add(bytes);
        if held > quota.body_bytes && counts.body_bytes > 0 {
            return Err(exhausted(
                "quota-bodies",
                format!(
                    "{} bytes of the tenant's requests wait to be used, of {} allowed",
                    counts.body_bytes, quota.body_bytes
                ),
                "send fewer at a time, or ask the operator for a higher `body_bytes`",
                Duration::from_secs(1),
            ));
        }
        counts.body_bytes = held;
        Ok(())
    }

    /// A body was used.
    pub(crate) fn body_left(&self, bytes: usize) {
        let mut counts = self.0.lock();
        counts.body_bytes = counts.body_bytes.saturating_sub(bytes);
    }

    /// Counts so many more bytes of a body of which some came before, or refuses them where
    /// too much of the tenant's is on its way. One that is larger than the bound is taken
    /// where it is the only one.
    pub(crate) fn admit_in_flight(
        &self,
        quota: &Quota,
        before: usize,
        bytes: usize,
    ) -> Result<(), ServiceError> {
        let mut counts = self.0.lock();
        let held = counts.in_flight_bytes.saturating_add(bytes);
        if held > quota.body_bytes && counts.in_flight_bytes > before {
            return Err(exhausted(
                "quota-bodies",
                format!(
                    "{} bytes of the tenant's requests are on their way, of {} allowed",
                    counts.in_flight_bytes, quota.body_bytes
                ),
                "send fewer at a time, or ask the operator for a higher `body_bytes`",
                Duration::from_secs(1),
            ));
        }
        counts.in_flight_bytes = held;
        Ok(())
    }

    /// A request was answered.
    pub(crate) fn flight_ended(&self, bytes: usize) {
        let mut counts = self.0.lock();
        counts.in_flight_bytes = counts.in_flight_bytes.saturating_sub(bytes);
    }

    /// Whether a turn may begin at this time of the day.
    pub(crate) fn admit_turn(&self, quota: &Quota, now_ms: u64) -> Result<(), ServiceError> {
        let mut counts = self.0.lock();
        counts.turn_day(now_ms);
        if counts.cpu_us / 1_000_000 >= quota.cpu_s_per_day {
            let left = DAY_MS - now_ms % DAY_MS;
            return Err(exhausted(
                "quota-cpu",
                format!(
                    "the tenant's turns have taken {} s of the processor today, of {} allowed",
                    counts.cpu_us / 1_000_000,
                    quota.cpu_s_per_day
                ),
                "wait for the next day of UTC, or ask the operator for a higher `cpu_s_per_day`",
                Duration::from_millis(left),
            ));
        }
        counts.room_to_store(quota)
    }

    /// A turn took so long.
    pub(crate) fn spend(&self, cpu_us: u64, now_ms: u64) {
        let mut counts = self.0.lock();
        counts.turn_day(now_ms);
        counts.cpu_us = counts.cpu_us.saturating_add(cpu_us);
    }

    /// What is stored has changed in size.
    pub(crate) fn stored(&self, before: u64, now: u64) {
        let mut counts = self.0.lock();
        counts.stored_bytes = counts
            .stored_bytes
            .saturating_sub(before)
            .saturating_add(now);
    }

    pub(crate) fn used(&self) -> Used {
        let counts = self.0.lock();
        Used {
            sandboxes: counts.sandboxes,
            snapshots: counts.snapshots,
            stored_bytes: counts.stored_bytes,
            cpu_us: counts.cpu_us,
        }
    }
}

impl Counts {
    fn turn_day(&mut self, now_ms: u64) {
        let day = now_ms / DAY_MS;
        if day != self.day {
            self.day = day;
            self.cpu_us = 0;
        }
    }

    fn room_to_store(&self, quota: &Quota) -> Result<(), ServiceError> {
        match self.stored_bytes > quota.stored_bytes {
            false => Ok(()),
            true => Err(exhausted(
                "quota-stored",
                format!(
                    "the tenant's sandboxes hold {} bytes in the store, of {} allowed",
                    self.stored_bytes, quota.stored_bytes
                ),
                "delete sandboxes and snapshots that are not used any more",
                Duration::from_secs(30),
            )),
        }
    }
}

fn exhausted(
    code: &'static str,
    message: String,
    remedy: &str,
    retry_after: Duration,
) -> ServiceError {
    ServiceError::new(ErrorKind::Exhausted, code, message, remedy).retry_after(retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sandboxes_are_admitted_up_to_the_bound_and_again_when_some_have_left() {
        let usage = Usage::default();
        let quota = Quota {
            sandboxes: 3,
            ..Quota::default()
        };
        assert!(usage.admit(&quota, 3).is_ok());
        assert_eq!(usage.admit(&quota, 1).unwrap_err().code, "quota-sandboxes");
        usage.left(1);
        assert!(usage.admit(&quota, 1).is_ok());
    }

    #[test]
    fn creations_are_bounded_by_their_rate() {
        let usage = Usage::default();
        let quota = Quota {
            creates_per_s: 2.0,
            ..Quota::default()
        };
        let admitted = (0..10).filter(|_| usage.admit(&quota, 1).is_ok()).count();
        assert_eq!(admitted, 4, "two seconds' worth at once");
        let error = usage.admit(&quota, 1).unwrap_err();
        assert_eq!(error.code, "quota-creates");
        assert!(
            error
                .retry_after
                .is_some_and(|after| after <= Duration::from_secs(1))
        );
    }

    #[test]
    fn the_processor_is_counted_by_day() {
        let usage = Usage::default();
        let quota = Quota {
            cpu_s_per_day: 1,
            ..Quota::default()
        };
        usage.spend(999_999, 10);
        assert!(usage.admit_turn(&quota, 20).is_ok());
        usage.spend(1, 30);
        let error = usage.admit_turn(&quota, DAY_MS - 1_000).unwrap_err();
        assert_eq!(
            (error.code, error.retry_after),
            ("quota-cpu", Some(Duration::from_secs(1)))
        );
        assert!(usage.admit_turn(&quota, DAY_MS).is_ok(), "the next day");
    }

    #[test]
    fn what_is_stored_bounds_turns_and_creations() {
        let usage = Usage::default();
        let quota = Quota {
            stored_bytes: 10,
            ..Quota::default()
        };
        usage.stored(0, 10);
        assert!(usage.admit_turn(&quota, 0).is_ok());
        usage.stored(10, 11);
        assert_eq!(
            usage.admit_turn(&quota, 0).unwrap_err().code,
            "quota-stored"
        );
        assert_eq!(usage.admit(&quota, 1).unwrap_err().code, "quota-stored");
    }
}
