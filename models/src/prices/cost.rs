//! Money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// An amount of US dollars, exact to a millionth of a millionth, so that sums
/// do not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(u64);

const PER_USD: f64 = 1e12;

impl Cost {
    /// An amount in dollars, rounded; below nothing is nothing.
    pub fn from_usd(usd: f64) -> Self {
        Self((usd * PER_USD).round() as u64)
    }

    /// The amount in dollars.
    pub fn usd(self) -> f64 {
        self.0 as f64 / PER_USD
    }

    /// As often as this.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Cost {
    /// With enough digits to distinguish it from zero: `$1.25`, `$0.000375`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usd = self.usd();
        match usd {
            _ if self.0 == 0 || usd >= 1.0 => write!(formatter, "${usd:.2}"),
            _ if usd >= 0.01 => write!(formatter, "${usd:.4}"),
            _ => write!(formatter, "${usd:.6}"),
        }
    }
}
