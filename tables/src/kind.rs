//! Which type a column of text has.

use super::dates;

/// Texts that stand for "no value" in a column that is not text.
const ABSENT: [&str; 9] = [
    "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "-nan",
];

/// Digits that an integer of 64 bits always has room for.
const DIGITS_MAX: usize = 18;

/// The type of a column, as far as its values have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No value yet.
    Unknown,
    Bool,
    Integer,
    Real,
    /// Real numbers that have a comma for the point.
    RealWithComma,
    /// Integers whose thousands are set apart by points.
    IntegerWithPoints,
    Date,
    Timestamp,
    Text,
}

impl Kind {
    /// The type that also holds `other`.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, kind) | (kind, Self::Unknown) => kind,
            (one, other) if one == other => one,
            (Self::Integer | Self::Real, Self::Integer | Self::Real) => Self::Real,
            (Self::Date | Self::Timestamp, Self::Date | Self::Timestamp) => Self::Timestamp,
            _ => Self::Text,
        }
    }

    /// The type that also holds a field of text.
    pub(super) fn join_text(self, field: &str) -> Self {
        let field = field.trim();
        if self == Self::Text || field.is_empty() || is_absent(field) {
            return self;
        }
        // What the column has been so far is tried first.
        let fits = match self {
            Self::Integer => integer(field).is_some(),
            Self::Real => real(field).is_some(),
            Self::Date => dates::date(field.as_bytes()).is_some(),
            Self::Timestamp => dates::timestamp(field.as_bytes()).is_some(),
            _ => false,
        };
        if fits {
            self
        } else {
            self.join(Self::of(field))
        }
    }

    fn of(field: &str) -> Self {
        if integer(field).is_some() {
            Self::Integer
        } else if real(field).is_some() {
            Self::Real
        } else if boolean(field).is_some() {
            Self::Bool
        } else if dates::date(field.as_bytes()).is_some() {
            Self::Date
        } else if dates::timestamp(field.as_bytes()).is_some() {
            Self::Timestamp
        } else {
            Self::Text
        }
    }

    pub(super) fn declared(self) -> &'static str {
        match self {
            Self::Unknown | Self::Text => "TEXT",
            Self::Bool => "BOOLEAN",
            Self::Integer | Self::IntegerWithPoints => "INTEGER",
            Self::Real | Self::RealWithComma => "REAL",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
        }
    }
}

pub(super) fn is_absent(field: &str) -> bool {
    ABSENT.contains(&field)
}

pub(super) fn boolean(field: &str) -> Option<bool> {
    if field.eq_ignore_ascii_case("true") {
        Some(true)
    } else if field.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// An integer of 64 bits. One with leading zeros or a plus sign is a code, not
/// a number.
pub(super) fn integer(field: &str) -> Option<i64> {
    let digits = field.strip_prefix('-').unwrap_or(field);
    let plain = digits == "0" || digits.starts_with(|first: char| ('1'..='9').contains(&first));
    if plain { field.parse().ok() } else { None }
}

/// A decimal number. Digits alone are none: they are an integer, or too long
/// for one, and then a code that must not be rounded.
pub(super) fn real(field: &str) -> Option<f64> {
    if integer(field).is_some() {
        return field.parse().ok();
    }
    let digits = field.strip_prefix(['-', '+']).unwrap_or(field);
    let numeric = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.contains(['.', 'e', 'E']);
    if numeric { field.parse().ok() } else { None }
}

/// A number with a decimal comma, points between its thousands, or neither, as plain digits.
pub(super) fn with_comma(field: &str) -> Option<String> {
    let digits = field.strip_prefix(['-', '+']).unwrap_or(field);
    let (whole, fraction) = match digits.split_once(',') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split('.');
    let first = groups.next().unwrap_or_default();
    let is_grouped = whole.contains('.');
    let is_number = all_digits(first)
        && (1..=if is_grouped { 3 } else { DIGITS_MAX }).contains(&first.len())
        && (first == "0" || !first.starts_with('0'))
        && groups.all(|group| group.len() == 3 && all_digits(group))
        && whole.len() <= DIGITS_MAX
        && fraction.is_none_or(|fraction| !fraction.is_empty() && all_digits(fraction));
    is_number.then(|| field.replace('.', "").replace(',', "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_commas_are_read() {
        for (field, expected) in [
            ("1,5", Some("1.5")),
            ("-1.234.567,89", Some("-1234567.89")),
            ("1.234", Some("1234")),
            ("0,05", Some("0.05")),
            ("12", Some("12")),
            ("1.23,4", None),
            ("1234.567,0", None),
            ("007,5", None),
            ("1,", None),
            (",5", None),
            ("1,5,0", None),
            ("", None),
        ] {
            assert_eq!(with_comma(field).as_deref(), expected, "{field}");
        }
    }

    #[test]
    fn columns_have_the_type_of_all_their_fields() {
        for (fields, expected) in [
            (&["1", "-2", "", "NA"][..], Kind::Integer),
            (&["9223372036854775807"], Kind::Integer),
            (&["9223372036854775808"], Kind::Text),
            (&["007", "1"], Kind::Text),
            (&["+49"], Kind::Text),
            (&["1", "2.5"], Kind::Real),
            (&["1e5", ".5", "NaN"], Kind::Real),
            (&["inf"], Kind::Text),
            (&["true", "FALSE"], Kind::Bool),
            (&["true", "1"], Kind::Text),
            (&["2024-02-29"], Kind::Date),
            (&["2023-02-29"], Kind::Text),
            (&["2024-02-29", "2024-02-29T10:00:00Z"], Kind::Timestamp),
            (&["2024-02-29", "7"], Kind::Text),
            (&["", "NA"], Kind::Unknown),
            (&["x", "1"], Kind::Text),
        ] {
            let kind = fields
                .iter()
                .fold(Kind::Unknown, |kind, field| kind.join_text(field));
            assert_eq!(kind, expected, "{fields:?}");
        }
    }
}
