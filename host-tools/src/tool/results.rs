//! Results of a tool, held against what it says of them.

use super::values::ToolSpec;
use crate::validation::Validator;
use serde_json::Value;

/// Holds results of a tool against the schema that it states.
///
/// A result that does not fit is no error: servers describe their results badly more often
/// than they answer badly. Callers report it beside the result.
#[derive(Debug)]
pub struct ResultCheck(Validator);

impl ResultCheck {
    /// The check for a tool; none if it states no schema, or one that cannot be used.
    #[must_use]
    pub fn of(spec: &ToolSpec) -> Option<Self> {
        Validator::compile(spec.returns.as_ref()?).ok().map(Self)
    }

    /// What of a result does not fit, with its place. None if all does, or if the check would
    /// take too long. Nulls in places that may be left out fit.
    #[must_use]
    pub fn misfit(&self, result: &Value) -> Option<String> {
        self.0.misfit(result)
    }
}
