//! Reading sizes, times and counts, as people write them.

use crate::error::Error;
use crate::suggestions::quoted;
use crate::unit::Unit;

impl Unit {
    /// Reads a plain number, or a number with a suffix of this unit.
    ///
    /// `_` may group digits. Suffixes are read without regard to case.
    ///
    /// # Errors
    /// [`Error::Quantity`] where `text` is neither, or exceeds 64 bits.
    pub fn parse(self, text: &str) -> Result<u64, Error> {
        let refusal = || Error::Quantity {
            text: quoted(text),
            unit: self,
        };
        let trimmed = text.trim();
        let digits_end = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '_')
            .unwrap_or(trimmed.len());
        let (digits, suffix) = trimmed.split_at(digits_end);
        if digits.starts_with('_') || digits.ends_with('_') {
            return Err(refusal());
        }
        let number: u64 = digits.replace('_', "").parse().map_err(|_| refusal())?;
        let factor = self.factor(suffix.trim()).ok_or_else(refusal)?;
        number.checked_mul(factor).ok_or_else(refusal)
    }
}
