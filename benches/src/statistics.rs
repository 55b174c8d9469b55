//! From readings to a summary.

use crate::error::Error;
use std::time::{Duration, Instant};

/// Readings of one quantity.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    values: Vec<f64>,
}

/// The summary of many readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many there are.
    pub n: u64,
    /// The median, by nearest rank.
    pub p50: f64,
    /// The 99th percentile, by nearest rank.
    pub p99: f64,
    /// The smallest.
    pub min: f64,
}

impl Readings {
    /// Takes `count` readings of `once` in microseconds, after `warm_up` calls
    /// that are not read. `once` times what it is about, and may do more.
    ///
    /// # Errors
    /// The first error of `once`.
    pub fn take_us(
        warm_up: usize,
        count: usize,
        mut once: impl FnMut() -> Result<Duration, Error>,
    ) -> Result<Self, Error> {
        for _ in 0..warm_up {
            once()?;
        }
        let mut readings = Self::default();
        for _ in 0..count {
            readings.push(once()?.as_secs_f64() * 1e6);
        }
        Ok(readings)
    }

    /// Adds a reading. One that is not a number is left out.
    pub fn push(&mut self, value: f64) {
        if value.is_finite() {
            self.values.push(value);
        }
    }

    /// Adds all readings of another set.
    pub fn extend(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The largest reading.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.values.iter().copied().reduce(f64::max)
    }

    /// The readings to keep beside their summary, which says all of equal ones.
    #[must_use]
    pub fn unless_all_equal(&self) -> Vec<f64> {
        let mut pairs = self.values.iter().zip(self.values.iter().skip(1));
        match pairs.any(|(one, next)| one != next) {
            true => self.values.clone(),
            false => Vec::new(),
        }
    }

    /// Sums the readings up.
    ///
    /// # Errors
    /// [`Error::NoReadings`] when there are none; `what` says of what.
    pub fn summary(&self, what: &str) -> Result<Summary, Error> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        match (rank(&sorted, 0), rank(&sorted, 50), rank(&sorted, 99)) {
            (Some(min), Some(p50), Some(p99)) => Ok(Summary {
                n: sorted.len() as u64,
                p50,
                p99,
                min,
            }),
            _ => Err(Error::NoReadings(what.to_owned())),
        }
    }
}

impl Summary {
    /// The summary of a single reading.
    #[must_use]
    pub fn single(value: f64) -> Self {
        Self {
            n: 1,
            p50: value,
            p99: value,
            min: value,
        }
    }
}

/// The smallest value that at least `percent` of all are not above.
fn rank(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The geometric mean of positive numbers. `None` of no numbers.
#[must_use]
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| (values.iter().map(|value| value.ln()).sum::<f64>() / count as f64).exp())
}

/// Runs `work` and says how long it took.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Readings {
        let mut readings = Readings::default();
        values.into_iter().for_each(|value| readings.push(value));
        readings
    }

    #[test]
    fn nearest_ranks() {
        let check = |count: u32, wanted: (f64, f64, f64)| {
            let summary = of((1..=count).map(f64::from)).summary("test").unwrap();
            assert_eq!((summary.p50, summary.p99, summary.min), wanted, "{count}");
            assert_eq!(summary.n, u64::from(count));
        };
        check(1, (1.0, 1.0, 1.0));
        check(2, (1.0, 2.0, 1.0));
        check(100, (50.0, 99.0, 1.0));
        check(101, (51.0, 100.0, 1.0));
        check(200, (100.0, 198.0, 1.0));
        assert!(
            of([])
                .summary("nothing")
                .unwrap_err()
                .to_string()
                .contains("nothing")
        );
        assert!(of([f64::NAN]).is_empty());
    }

    #[test]
    fn warm_up_is_left_out() {
        let mut calls = 0;
        let readings = Readings::take_us(3, 4, || {
            calls += 1;
            Ok(Duration::from_micros(calls))
        });
        let summary = readings.unwrap().summary("test").unwrap();
        assert_eq!((summary.n, summary.min), (4, 4.0));
    }

    #[test]
    fn means() {
        assert_eq!(geometric_mean(&[]), None);
        let mean = geometric_mean(&[1.0, 4.0]).unwrap();
        assert!((mean - 2.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn a_rank_is_a_reading(values in proptest::collection::vec(-1e9..1e9_f64, 1..300)) {
            let summary = of(values.clone()).summary("test").unwrap();
            for value in [summary.min, summary.p50, summary.p99] {
                prop_assert!(values.contains(&value));
            }
            prop_assert!(summary.min <= summary.p50 && summary.p50 <= summary.p99);
            let below = values.iter().filter(|&&value| value <= summary.p50).count();
            prop_assert!(below * 2 >= values.len());
        }
    }
}
