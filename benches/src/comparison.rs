//! Two sets of figures side by side: a change against the commit before it.

use crate::entry::Better;
use crate::error::Error;
use crate::figure::Figure;
use crate::figures::figures;
use memex_trajectories::statistics::{Interval, bootstrap_median_ratio};
use std::fmt;

/// Resamples of a bootstrap: the ends of its interval are then steady to a tenth of its width.
const RESAMPLES: usize = 2_000;
/// What a single reading may differ by without a meaning.
const SINGLE_NOISE: f64 = 0.01;
/// Any number: equal files give equal verdicts.
const SEED: u64 = 1;

/// Two sets of figures, compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sets {
    /// Figures that both have, in the order of the base.
    pub both: Vec<Comparison>,
    /// Names that only the base has.
    pub only_base: Vec<String>,
    /// Names that only the new set has.
    pub only_new: Vec<String>,
}

/// One figure in two sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The figure's name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Medians, before and after.
    pub p50: (f64, f64),
    /// 99th percentiles, before and after.
    pub p99: (f64, f64),
    /// Smallest readings, before and after: what noise disturbs least.
    pub min: (f64, f64),
    /// Which direction is good, for a figure that this version knows.
    pub better: Option<Better>,
    /// Where the ratio of the medians lies at 95 %, where both sets have readings.
    pub interval: Option<Interval>,
    /// Whether each set has several readings, and all of them are the same.
    pub is_exact: bool,
    /// Whether a set has one reading only.
    pub is_single: bool,
}

/// The conclusion from two figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The values are equal, or the readings do not tell them apart.
    Same,
    /// It went in the good direction.
    Better,
    /// It went in the bad direction.
    Worse,
    /// It changed, and which direction is good is not known.
    Changed,
}

impl Verdict {
    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Changed => "changed",
        }
    }
}

/// Compares what `memex bench --json` printed before and after a change, by
/// name, in the order of `base`.
///
/// # Errors
/// [`Error::NotFigures`] for the first line that is not a figure.
pub fn compare(base: &str, new: &str) -> Result<Sets, Error> {
    let (base, new) = (parse(base)?, parse(new)?);
    let names_not_in = |these: &[Figure], others: &[Figure]| {
        let is_absent = |figure: &&Figure| others.iter().all(|other| other.name != figure.name);
        let absent = these.iter().filter(is_absent);
        absent.map(|figure| figure.name.to_string()).collect()
    };
    let pairs = base.iter().filter_map(|before| {
        let after = new.iter().find(|after| after.name == before.name)?;
        Some(Comparison::of(before, after))
    });
    Ok(Sets {
        both: pairs.collect(),
        only_base: names_not_in(&base, &new),
        only_new: names_not_in(&new, &base),
    })
}

fn parse(text: &str) -> Result<Vec<Figure>, Error> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| Error::NotFigures {
                line: index + 1,
                reason: error.to_string(),
            })
        })
        .collect()
}

impl Comparison {
    fn of(before: &Figure, after: &Figure) -> Self {
        let known = figures().iter().find(|entry| entry.name == before.name);
        // What a turn costs, which has a name of its own: NAME:QUANTITY.
        let of_a_turn = before.name.contains(':').then_some(Better::Lower);
        let is_constant = |figure: &Figure| figure.min == figure.p50 && figure.p50 == figure.p99;
        let readings = |figure: &Figure| match (figure.readings.as_slice(), is_constant(figure)) {
            ([], true) => vec![figure.p50],
            (readings, _) => readings.to_vec(),
        };
        let is_single = before.n <= 1 || after.n <= 1;
        let is_exact = !is_single && is_constant(before) && is_constant(after);
        let (base, new) = (readings(before), readings(after));
        Self {
            name: before.name.to_string(),
            unit: before.unit.to_string(),
            p50: (before.p50, after.p50),
            p99: (before.p99, after.p99),
            min: (before.min, after.min),
            better: known.map(|entry| entry.better).or(of_a_turn),
            interval: match is_exact || is_single {
                true => None,
                false => bootstrap_median_ratio(&base, &new, RESAMPLES, SEED),
            },
            is_exact,
            is_single,
        }
    }

    /// The median after over the median before; 1 for two zeros.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        ratio(self.p50)
    }

    /// The conclusion. A difference counts if the medians and the smallest readings
    /// agree on it and, with readings on both sides, the interval of the ratio does not hold 1.
    /// Single readings differ from 1 % on.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let (low, high) = self.bounds();
        let is_good = match (low > 1.0, high < 1.0, self.better) {
            (false, false, _) => return Verdict::Same,
            (_, _, None) => return Verdict::Changed,
            (went_up, _, Some(better)) => went_up == (better == Better::Higher),
        };
        match is_good {
            true => Verdict::Better,
            false => Verdict::Worse,
        }
    }

    /// Whether the figure is worse by more than so many per cent, as far as the noise lets
    /// one say so. A figure whose good direction is not known counts upwards.
    #[must_use]
    pub fn is_worse_by(&self, percent: f64) -> bool {
        let (low, high) = self.bounds();
        match self.better {
            Some(Better::Higher) => high < 1.0 / (1.0 + percent / 100.0),
            _ => low > 1.0 + percent / 100.0,
        }
    }

    /// The least and the largest ratio that the figures admit.
    fn bounds(&self) -> (f64, f64) {
        let (typical, least) = (self.ratio(), ratio(self.min));
        if self.is_single {
            return (
                typical / (1.0 + SINGLE_NOISE),
                typical * (1.0 + SINGLE_NOISE),
            );
        }
        // Other work on the machine moves a whole run's readings, but seldom its smallest.
        let (low, high) = self
            .interval
            .map_or((typical, typical), |of| (of.low, of.high));
        (low.min(least), high.max(least))
    }
}

fn ratio((before, after): (f64, f64)) -> f64 {
    match before == after {
        true => 1.0,
        false => after / before,
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<24} {:>12.2} → {:>12.2} {:<4} ×{:.3} {:<7} ",
            self.name,
            self.p50.0,
            self.p50.1,
            self.unit,
            self.ratio(),
            self.verdict().word(),
        )?;
        match (self.interval, self.is_exact) {
            (Some(Interval { low, high }), _) => {
                write!(
                    f,
                    "(95 %: ×{low:.3} to ×{high:.3}; p99 ×{:.3})",
                    ratio(self.p99)
                )
            }
            (None, true) => f.write_str("(exact)"),
            (None, false) if self.is_single => f.write_str("(one reading)"),
            (None, false) => write!(
                f,
                "(p99 ×{:.3}, min ×{:.3}; no readings to test)",
                ratio(self.p99),
                ratio(self.min)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn line(name: &str, p50: f64) -> String {
        let min = p50 * 0.8;
        format!(
            r#"{{"name":"{name}","unit":"us","n":200,"p50":{p50},"p99":30.0,"min":{min:?},"note":"x"}}"#
        )
    }

    #[test]
    fn by_name_in_the_order_of_the_base() {
        let base = [
            line("turn_pass_us", 10.0),
            line("gone_us", 1.0),
            line("b_us", 4.0),
        ]
        .join("\n");
        let new = [
            line("b_us", 8.0),
            line("turn_pass_us", 5.0),
            line("new_us", 1.0),
        ]
        .join("\n\n");
        let sets = compare(&base, &new).unwrap();
        assert_eq!(
            (sets.only_base, sets.only_new),
            (vec!["gone_us".to_owned()], vec!["new_us".to_owned()])
        );
        let found = sets.both;
        let ratios: Vec<_> = found.iter().map(|c| (c.name.as_str(), c.ratio())).collect();
        assert_eq!(ratios, [("turn_pass_us", 0.5), ("b_us", 2.0)]);
        let shown = found.first().unwrap().to_string();
        assert!(shown.contains("×0.500 better"), "{shown}");
        assert_eq!(found.get(1).unwrap().better, None);
    }

    #[test]
    fn a_figure_survives_its_own_json() {
        let figure: Figure = serde_json::from_str(&line("a_us", 2.5)).unwrap();
        assert_eq!(serde_json::to_string(&figure).unwrap(), line("a_us", 2.5));
    }

    #[test]
    fn a_line_that_is_no_figure_is_named() {
        let text = format!("{}\nnonsense", line("a_us", 1.0));
        let error = compare(&text, "").unwrap_err().to_string();
        assert!(error.starts_with("line 2 "), "{error}");
    }
    fn with_readings(name: &str, readings: &[f64]) -> String {
        let mut sorted = readings.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, p50, p99) = (
            sorted[0],
            sorted[sorted.len() / 2],
            sorted[sorted.len() - 1],
        );
        format!(
            r#"{{"name":"{name}","unit":"us","n":{},"p50":{p50},"p99":{p99},"min":{min},"note":"","readings":{readings:?}}}"#,
            readings.len()
        )
    }

    #[test]
    fn verdicts_look_at_the_noise() {
        let noisy: Vec<f64> = (0..60).map(|n| 100.0 + f64::from(n * 37 % 60)).collect();
        let shifted = |by: f64| noisy.iter().map(|value| value * by).collect::<Vec<_>>();
        for (by, verdict, fails) in [
            (1.01, Verdict::Same, false),
            (1.5, Verdict::Worse, true),
            (0.6, Verdict::Better, false),
        ] {
            let (base, new) = (
                with_readings("a.py:wall_us", &noisy),
                with_readings("a.py:wall_us", &shifted(by)),
            );
            let sets = compare(&base, &new).unwrap();
            let found = sets.both.first().unwrap();
            assert_eq!(found.verdict(), verdict, "{by}: {found}");
            assert_eq!(found.is_worse_by(10.0), fails, "{by}: {found}");
            assert!(!found.is_worse_by(60.0), "{by}: {found}");
        }
    }

    #[test]
    fn exact_figures_need_no_test() {
        let exact = |value: f64| {
            format!(
                r#"{{"name":"a.py:fuel","unit":"fuel","n":5,"p50":{value},"p99":{value},"min":{value},"note":""}}"#
            )
        };
        let verdict = |base: f64, new: f64| {
            let sets = compare(&exact(base), &exact(new)).unwrap();
            let found = sets.both.first().unwrap();
            (found.verdict(), found.is_worse_by(0.0))
        };
        assert_eq!(verdict(1000.0, 1000.0), (Verdict::Same, false));
        assert_eq!(verdict(1000.0, 1001.0), (Verdict::Worse, true));
        assert_eq!(verdict(1001.0, 1000.0), (Verdict::Better, false));
        assert_eq!(verdict(0.0, 0.0), (Verdict::Same, false));
        assert_eq!(verdict(0.0, 2.0), (Verdict::Worse, true));
    }
}
