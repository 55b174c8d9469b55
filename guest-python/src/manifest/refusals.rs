//! Refusing a value that breaks a rule.

use crate::error::Error;

/// A value that breaks a rule.
pub(super) fn refusal(field: &str, value: impl ToString, rule: &'static str) -> Error {
    Error::ManifestValue {
        field: field.to_owned(),
        value: value.to_string(),
        rule,
    }
}

/// Refuses a value unless the rule holds.
pub(super) fn rule(
    holds: bool,
    field: &str,
    value: impl ToString,
    rule: &'static str,
) -> Result<(), Error> {
    if holds {
        Ok(())
    } else {
        Err(refusal(field, value, rule))
    }
}
