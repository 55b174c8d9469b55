//! The time as records have it.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time of the service, in milliseconds since 1970: that of the machine when the
/// process asked first, and from then on the time that has passed. A clock of the machine
/// that is set ends no sandbox.
pub(crate) fn now_ms() -> u64 {
    static STEADY: OnceLock<Steady> = OnceLock::new();
    let steady = STEADY.get_or_init(|| Steady {
        from_ms: wall_ms(),
        at: Instant::now(),
    });
    steady.ms(Instant::now())
}

/// Milliseconds since 1970 by the clock of the machine; one set before that reads as zero.
pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, millis)
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that nobody sets.
struct Steady {
    from_ms: u64,
    at: Instant,
}

impl Steady {
    fn ms(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.at);
        self.from_ms.saturating_add(millis(passed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_does_not_move_the_time_of_the_service() {
        // The machine's clock was a day ahead when this began, and was set back since.
        let day = Duration::from_hours(24);
        let steady = Steady {
            from_ms: wall_ms() + millis(day),
            at: Instant::now(),
        };
        let hour = Duration::from_hours(1);
        let later = steady.ms(steady.at + hour);
        assert_eq!(later, steady.from_ms + millis(hour));
        assert!(later > wall_ms() + millis(day));
        assert!(now_ms() <= now_ms());
    }
}
