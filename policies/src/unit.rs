//! What limits are counted in, and how sizes, times and counts are written.

/// What a limit is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Milliseconds; texts such as `250ms`, `2s`, `5min`, `1h` are accepted.
    Milliseconds,
    /// Bytes; texts such as `64MiB`, `1 GiB`, `500kB` are accepted.
    Bytes,
    /// Units of fuel, the deterministic measure of work done by the guest.
    Fuel,
    /// A plain number of things.
    Count,
}

const KIB: u64 = 1 << 10;

/// Name and factor; the first of equal factors is the one that is written.
const TIMES: &[(&str, u64)] = &[
    ("h", 3_600_000),
    ("min", 60_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
const SIZES: &[(&str, u64)] = &[
    ("TiB", KIB * KIB * KIB * KIB),
    ("GiB", KIB * KIB * KIB),
    ("MiB", KIB * KIB),
    ("KiB", KIB),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Unit {
    /// The unit's short name: `ms`, `bytes`, `fuel`, `count`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Bytes => "bytes",
            Self::Fuel => "fuel",
            Self::Count => "count",
        }
    }

    /// Writes `value` exactly, for people: `64 MiB`, `2 s`, `4,096`.
    pub fn format(self, value: u64) -> String {
        self.scaled(value).unwrap_or_else(|| {
            let number = grouped(value);
            match self {
                Self::Milliseconds => format!("{number} ms"),
                Self::Bytes if value == 1 => "1 byte".to_owned(),
                Self::Bytes => format!("{number} bytes"),
                Self::Fuel if value == 1 => "1 unit of fuel".to_owned(),
                Self::Fuel => format!("{number} units of fuel"),
                Self::Count => number,
            }
        })
    }

    /// `value` in a larger unit that divides it, in a form that [`Unit::parse`]
    /// reads back to the same value.
    pub(crate) fn scaled(self, value: u64) -> Option<String> {
        let binary = |name: &str| self != Self::Bytes || name.contains('i');
        let (name, factor) = self.suffixes().iter().find(|(name, factor)| {
            *factor > 1 && binary(name) && value > 0 && value.is_multiple_of(*factor)
        })?;
        Some(format!("{} {name}", value / factor))
    }

    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Milliseconds => "a time",
            Self::Bytes => "a size",
            Self::Fuel | Self::Count => "a whole number",
        }
    }

    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Milliseconds => {
                "write milliseconds as a whole number, or a text such as \"250ms\", \"2s\", \"5min\", \"1h\""
            }
            Self::Bytes => {
                "write bytes as a whole number, or a text such as \"64KiB\", \"16MiB\", \"1GiB\""
            }
            Self::Fuel | Self::Count => "write digits only, such as 10000 or 10_000",
        }
    }

    fn suffixes(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Milliseconds => TIMES,
            Self::Bytes => SIZES,
            Self::Fuel | Self::Count => &[],
        }
    }

    pub(crate) fn factor(self, suffix: &str) -> Option<u64> {
        if suffix.is_empty() {
            return Some(1);
        }
        self.suffixes()
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(suffix))
            .map(|(_, factor)| *factor)
    }
}

/// Digits in groups of three: `10,000`.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
