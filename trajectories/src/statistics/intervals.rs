//! Confidence intervals.

use super::percentiles::of_sorted;
use super::random::Random;

/// The most values that a bootstrap draws in all.
const DRAWS_MAX: usize = 50_000_000;

/// A range that a figure lies in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The Wilson score interval of a rate at 95 %. It stays within 0 and 1 and
/// holds for few trials and for rates at the ends; without trials it is all
/// of 0 to 1.
pub fn wilson(successes: u64, trials: u64) -> Interval {
    const Z: f64 = 1.959_963_984_540_054;
    if trials == 0 {
        return Interval {
            low: 0.0,
            high: 1.0,
        };
    }
    let trials_f = trials as f64;
    let rate = successes.min(trials) as f64 / trials_f;
    let scale = 1.0 + Z * Z / trials_f;
    let centre = (rate + Z * Z / (2.0 * trials_f)) / scale;
    let spread = rate * (1.0 - rate) / trials_f + Z * Z / (4.0 * trials_f * trials_f);
    let half = Z / scale * spread.sqrt();
    Interval {
        low: if successes == 0 {
            0.0
        } else {
            (centre - half).max(0.0)
        },
        high: if successes >= trials {
            1.0
        } else {
            (centre + half).min(1.0)
        },
    }
}

/// The bootstrap interval at 95 % of the mean of the finite values: the
/// percentiles of the means of resamples. It depends on the values, the
/// number of resamples and the seed alone; none if there are no values.
pub fn bootstrap_mean(values: &[f64], resamples: usize, seed: u64) -> Option<Interval> {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if values.is_empty() {
        return None;
    }
    let resamples = resamples.clamp(1, (DRAWS_MAX / values.len()).max(1));
    let mut random = Random::new(seed);
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| {
            let drawn = (0..values.len()).map(|_| values.get(random.below(values.len())).copied());
            drawn.map(Option::unwrap_or_default).sum::<f64>() / values.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Some(Interval {
        low: of_sorted(&means, 2.5)?,
        high: of_sorted(&means, 97.5)?,
    })
}

/// The bootstrap interval at 95 % of the median of `new` over the median of `base`:
/// the percentiles of that ratio over resamples of both. It depends on the values, the
/// number of resamples and the seed alone; none if either has no finite values, or a
/// median of `base` is not above 0.
pub fn bootstrap_median_ratio(
    base: &[f64],
    new: &[f64],
    resamples: usize,
    seed: u64,
) -> Option<Interval> {
    let finite = |values: &[f64]| -> Vec<f64> {
        let values = values.iter().copied();
        values.filter(|value| value.is_finite()).collect()
    };
    let (base, new) = (finite(base), finite(new));
    let drawn_once = base.len() + new.len();
    if base.is_empty() || new.is_empty() {
        return None;
    }
    let resamples = resamples.clamp(1, (DRAWS_MAX / drawn_once).max(1));
    let mut random = Random::new(seed);
    let mut median_of = |values: &[f64]| {
        let drawn = (0..values.len()).map(|_| values.get(random.below(values.len())).copied());
        let mut drawn: Vec<f64> = drawn.flatten().collect();
        drawn.sort_by(f64::total_cmp);
        of_sorted(&drawn, 50.0)
    };
    let mut ratios = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        let (before, after) = (median_of(&base)?, median_of(&new)?);
        if before <= 0.0 {
            return None;
        }
        ratios.push(after / before);
    }
    ratios.sort_by(f64::total_cmp);
    Some(Interval {
        low: of_sorted(&ratios, 2.5)?,
        high: of_sorted(&ratios, 97.5)?,
    })
}
