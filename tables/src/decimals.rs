//! Numbers that a 64-bit integer or float cannot hold, as exact text.

/// Digits that a float keeps.
const EXACT_DIGITS_MAX: u32 = 15;

/// A decimal number of an array.
pub(super) enum Decimal {
    Small(i128),
    /// Beyond 128 bits, as digits.
    Large(String),
}

impl Decimal {
    /// Whether a float would have other digits.
    pub(super) fn is_beyond_float(&self) -> bool {
        match self {
            Self::Small(value) => value.unsigned_abs() >= 10_u128.pow(EXACT_DIGITS_MAX),
            Self::Large(_) => true,
        }
    }

    /// The nearest float.
    pub(super) fn to_float(&self, scale: i8) -> f64 {
        match (self, scale) {
            // Both are exact, and so the quotient is the nearest one.
            (Self::Small(value), 0..=22) if !self.is_beyond_float() => {
                *value as f64 / 10_f64.powi(scale.into())
            }
            _ => self.to_text(scale).parse().unwrap_or(f64::NAN),
        }
    }

    /// All digits, with as many after the point as the scale says.
    pub(super) fn to_text(&self, scale: i8) -> String {
        let digits = match self {
            Self::Small(value) => value.to_string(),
            Self::Large(digits) => digits.clone(),
        };
        let (sign, digits) = match digits.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", digits.as_str()),
        };
        let places = usize::from(scale.unsigned_abs());
        if scale <= 0 {
            return format!("{sign}{digits}{}", "0".repeat(places));
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        for (value, scale, text, float, is_beyond) in [
            (12_345, 2, "123.45", 123.45, false),
            (-5, 3, "-0.005", -0.005, false),
            (0, 2, "0.00", 0.0, false),
            (12, -2, "1200", 1200.0, false),
            (7, 0, "7", 7.0, false),
            (
                123_456_789_012_345_678,
                2,
                "1234567890123456.78",
                1234567890123456.8,
                true,
            ),
            (
                999_999_999_999_999,
                30,
                "0.000000000000000999999999999999",
                9.99999999999999e-16,
                false,
            ),
        ] {
            let decimal = Decimal::Small(value);
            assert_eq!(decimal.to_text(scale), text);
            assert_eq!(decimal.to_float(scale), float);
            assert_eq!(decimal.is_beyond_float(), is_beyond, "{text}");
        }
        let large = Decimal::Large("-123456789012345678901234567890123456789012".to_owned());
        assert_eq!(
            large.to_text(2),
            "-1234567890123456789012345678901234567890.12"
        );
    }
}
