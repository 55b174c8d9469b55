//! A figure that can be taken, and what taking it gives.

use crate::context::Context;
use crate::error::Error;
use crate::figure::Figure;
use crate::statistics::Summary;
use std::borrow::Cow;

/// A figure that can be taken.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name, which never changes its meaning.
    pub name: &'static str,
    /// The unit of its values.
    pub unit: &'static str,
    /// The group it belongs to.
    pub group: &'static str,
    /// A description of the measurement, in one sentence.
    pub about: &'static str,
    /// Which direction is good.
    pub better: Better,
    /// Its target, if there is one.
    pub target: Option<f64>,
    /// Whether the target is for the 99th percentile rather than the median.
    pub target_is_p99: bool,
    /// Takes it.
    pub measure: fn(&Context) -> Result<Measured, Error>,
}

/// Which direction of a figure is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Smaller is better.
    Lower,
    /// Larger is better.
    Higher,
}

/// The result of taking a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The values.
    pub summary: Summary,
    /// A note that explains them; may be empty.
    pub note: String,
}

impl Entry {
    /// An entry of a group, to be completed: microseconds, of which fewer are
    /// better, without a target.
    pub(crate) const fn of(group: &'static str) -> Self {
        Self {
            name: "",
            unit: "us",
            group,
            about: "",
            better: Better::Lower,
            target: None,
            target_is_p99: false,
            measure: |_| Err(Error::NoReadings(String::new())),
        }
    }

    /// Whether a figure reaches its target. `None`: it has none.
    #[must_use]
    pub fn is_met(&self, figure: &Figure) -> Option<bool> {
        let value = if self.target_is_p99 {
            figure.p99
        } else {
            figure.p50
        };
        self.target.map(|target| match self.better {
            Better::Lower => value <= target,
            Better::Higher => value >= target,
        })
    }

    /// The target as people write it; empty when there is none.
    #[must_use]
    pub fn target_text(&self) -> String {
        let sign = match self.better {
            Better::Lower => "≤",
            Better::Higher => "≥",
        };
        let of = if self.target_is_p99 { "p99 " } else { "" };
        self.target
            .map_or_else(String::new, |target| format!("{of}{sign} {target}"))
    }

    /// The record of what was taken.
    pub(crate) fn figure(&self, measured: Measured, context: &Context) -> Figure {
        let Measured { summary, note } = measured;
        let target = self.target_text();
        let target = if target.is_empty() {
            target
        } else {
            format!("target {target}")
        };
        let machine = context.machine().to_string();
        let parts = [note, target, machine];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Figure {
            name: Cow::Borrowed(self.name),
            unit: Cow::Borrowed(self.unit),
            n: summary.n,
            p50: summary.p50,
            p99: summary.p99,
            min: summary.min,
            note: parts.join("; "),
            readings: Vec::new(),
            target: self.target,
        }
    }
}

impl Measured {
    pub(crate) fn new(summary: Summary, note: impl Into<String>) -> Self {
        Self {
            summary,
            note: note.into(),
        }
    }
}
