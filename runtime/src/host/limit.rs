//! A limit of the policy that was reached.

use serde::{Deserialize, Serialize};

/// A limit that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitHit {
    /// The policy's field.
    pub name: String,
    /// Its value.
    pub limit: u64,
    /// What was reached or asked for, in the field's unit.
    pub actual: u64,
}

impl LimitHit {
    pub(crate) fn new(name: &str, limit: u64, actual: u64) -> Self {
        Self {
            name: name.to_owned(),
            limit,
            actual,
        }
    }
}
