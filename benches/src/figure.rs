//! A figure: the record that is printed, kept and compared.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A distribution under a name that stays the same over time.
///
/// Serialised as one JSON object with `name`, `unit`, `n`, `p50`, `p99`, `min`
/// and `note`, and `readings` where they are kept; the target is for people and is not part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured. Ends in the unit.
    pub name: Cow<'static, str>,
    /// The unit of the three values.
    pub unit: Cow<'static, str>,
    /// Readings taken; 1 for a single reading, whose three values are equal.
    pub n: u64,
    /// The median, by nearest rank.
    pub p50: f64,
    /// The 99th percentile, by nearest rank.
    pub p99: f64,
    /// The smallest reading.
    pub min: f64,
    /// How it was taken, on which machine, and what it is to reach.
    pub note: String,
    /// The readings, where they differ and a comparison is to test them: figures of one's
    /// own turns. Left out of the JSON where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<f64>,
    /// What the median (or, where the note says so, the 99th percentile) is
    /// to reach.
    #[serde(skip)]
    pub target: Option<f64>,
}
