//! The guest's clock and randomness.

use crate::error::Error;

/// The latest fixed time: 2262-04-11, the end of signed 64-bit nanoseconds,
/// in which guests do their arithmetic.
const UNIX_MAX_NS: u64 = i64::MAX as u64;
const STEP_MAX_NS: u64 = 3_600_000_000_000;

/// The clock that the guest reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// The host's clock.
    #[default]
    System,
    /// A clock for replay, which knows nothing of the host's.
    Fixed {
        /// The first reading, in nanoseconds since 1970-01-01 UTC.
        unix_ns: u64,
        /// What each reading adds; 0 lets time stand still.
        step_ns: u64,
    },
}

impl Clock {
    pub(crate) fn check(self) -> Result<(), Error> {
        let Self::Fixed { unix_ns, step_ns } = self else {
            return Ok(());
        };
        for (what, value, maximum) in [
            ("clock.unix_ns", unix_ns, UNIX_MAX_NS),
            ("clock.step_ns", step_ns, STEP_MAX_NS),
        ] {
            if value > maximum {
                return Err(Error::Invalid {
                    what,
                    value: value.to_string(),
                    reason: format!("the maximum is {maximum}"),
                });
            }
        }
        Ok(())
    }
}

/// Where the guest's random bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Randomness {
    /// The host's generator.
    #[default]
    System,
    /// A generator that gives the same bytes for the same seed, for replay.
    Seeded {
        /// The seed.
        seed: u64,
    },
}
