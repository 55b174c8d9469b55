//! Two sets of figures side by side: a change against the commit before it.

use crate::entry::Better;
use crate::error::Error;
use crate::figure::Figure;
use crate::figures::figures;
use std::fmt;

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
}

/// Compares what `memex bench --json` printed before and after a change, by
/// name, in the order of `base`. Figures that only one of them has are left
/// out.
///
/// # Errors
/// [`Error::NotFigures`] for the first line that is not a figure.
pub fn compare(base: &str, new: &str) -> Result<Vec<Comparison>, Error> {
    let (base, new) = (parse(base)?, parse(new)?);
    Ok(base
        .into_iter()
        .filter_map(|before| {
            let after = new.iter().find(|after| after.name == before.name)?;
            let known = figures().iter().find(|entry| entry.name == before.name);
            Some(Comparison {
                p50: (before.p50, after.p50),
                p99: (before.p99, after.p99),
                min: (before.min, after.min),
                name: before.name.into_owned(),
                unit: before.unit.into_owned(),
                better: known.map(|entry| entry.better),
            })
        })
        .collect())
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
    /// The median after over the median before.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.p50.1 / self.p50.0
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = |(before, after): (f64, f64)| after / before;
        let direction = match self.better {
            Some(Better::Lower) if self.ratio() < 1.0 => "better",
            Some(Better::Higher) if self.ratio() > 1.0 => "better",
            Some(_) if (self.ratio() - 1.0).abs() > f64::EPSILON => "worse",
            _ => "",
        };
        write!(
            f,
            "{:<24} {:>12.2} → {:>12.2} {:<4} ×{:.3} {:<6} (p99 ×{:.3}, min ×{:.3})",
            self.name,
            self.p50.0,
            self.p50.1,
            self.unit,
            ratio(self.p50),
            direction,
            ratio(self.p99),
            ratio(self.min),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn line(name: &str, p50: f64) -> String {
        format!(
            r#"{{"name":"{name}","unit":"us","n":200,"p50":{p50},"p99":30.0,"min":8.0,"note":"x"}}"#
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
        let found = compare(&base, &new).unwrap();
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
}
