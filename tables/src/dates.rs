//! ISO 8601 dates and times, as days and microseconds since 1970.

use chrono::{Datelike as _, NaiveDate};

const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// A time, and whether it states its offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// Microseconds since 1970, in UTC if the offset is stated.
    pub microseconds: i64,
    /// Whether it is.
    pub zoned: bool,
}

/// Days of `YYYY-MM-DD`.
#[must_use]
pub fn date(text: &[u8]) -> Option<i32> {
    let (days, rest) = leading_date(text)?;
    rest.is_empty().then_some(days)
}

/// The time of `YYYY-MM-DD[(T| )HH:MM[:SS[.ffffff]][Z|±HH[:]MM]]`.
#[must_use]
pub fn timestamp(text: &[u8]) -> Option<Instant> {
    let (days, rest) = leading_date(text)?;
    let midnight = i64::from(days) * DAY_MICROSECONDS;
    let Some((b'T' | b't' | b' ', rest)) = rest.split_first() else {
        return rest.is_empty().then_some(Instant {
            microseconds: midnight,
            zoned: false,
        });
    };
    let (hour, rest) = digits(rest, 2, 23)?;
    let (minute, mut rest) = digits(rest.strip_prefix(b":")?, 2, 59)?;
    let mut microseconds = (i64::from(hour) * 60 + i64::from(minute)) * 60_000_000;
    if let Some(after) = rest.strip_prefix(b":") {
        let (second, after) = digits(after, 2, 59)?;
        microseconds += i64::from(second) * 1_000_000;
        rest = after;
        if let Some(after) = rest.strip_prefix(b".") {
            let length = after
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            // Finer than a microsecond would be lost.
            let (fraction, after) = after.split_at_checked(length)?;
            let kept = fraction.get(..fraction.len().min(6))?;
            if kept.is_empty()
                || fraction
                    .get(kept.len()..)?
                    .iter()
                    .any(|digit| *digit != b'0')
            {
                return None;
            }
            let (value, _) = digits(kept, kept.len(), u32::MAX)?;
            let scale = 10_i64.pow(6 - u32::try_from(kept.len()).ok()?);
            microseconds += i64::from(value) * scale;
            rest = after;
        }
    }
    let offset = offset_minutes(rest)?;
    Some(Instant {
        microseconds: midnight + microseconds - offset.unwrap_or(0) * 60_000_000,
        zoned: offset.is_some(),
    })
}

/// `Some(None)` without an offset.
fn offset_minutes(text: &[u8]) -> Option<Option<i64>> {
    let (sign, rest) = match text.split_first() {
        None => return Some(None),
        Some((b'Z' | b'z', [])) => return Some(Some(0)),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return None,
    };
    let (hours, rest) = digits(rest, 2, 23)?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let (minutes, rest) = if rest.is_empty() {
        (0, rest)
    } else {
        digits(rest, 2, 59)?
    };
    rest.is_empty()
        .then_some(Some(sign * (i64::from(hours) * 60 + i64::from(minutes))))
}

fn leading_date(text: &[u8]) -> Option<(i32, &[u8])> {
    let (year, rest) = digits(text, 4, 9999)?;
    let (month, rest) = digits(rest.strip_prefix(b"-")?, 2, 12)?;
    let (day, rest) = digits(rest.strip_prefix(b"-")?, 2, 31)?;
    let year = i32::try_from(year).ok().filter(|year| *year > 0)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Some((date.to_epoch_days(), rest))
}

fn digits(text: &[u8], length: usize, max: u32) -> Option<(u32, &[u8])> {
    let (head, rest) = text.split_at_checked(length)?;
    let mut value = 0_u32;
    for byte in head {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    (value <= max).then_some((value, rest))
}

/// `YYYY-MM-DD` of a number of days, for years 1 to 9999.
#[must_use]
pub fn date_text(days: i64) -> Option<String> {
    let date = NaiveDate::from_epoch_days(i32::try_from(days).ok()?)?;
    (1..=9999).contains(&date.year()).then(|| date.to_string())
}

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`, for years 1 to 9999.
#[must_use]
pub fn timestamp_text(microseconds: i64, zoned: bool) -> Option<String> {
    let date = date_text(microseconds.div_euclid(DAY_MICROSECONDS))?;
    let time = microseconds.rem_euclid(DAY_MICROSECONDS);
    let (seconds, fraction) = (time / 1_000_000, time % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if fraction == 0 {
        String::new()
    } else {
        format!(".{fraction:06}")
    };
    let zone = if zoned { "Z" } else { "" };
    Some(format!(
        "{date} {hour:02}:{minute:02}:{second:02}{fraction}{zone}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_and_back() {
        for (text, days) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("0001-01-01", Some(-719_162)),
            ("9999-12-31", Some(2_932_896)),
            ("1900-02-29", None),
            ("2024-13-01", None),
            ("2024-00-01", None),
            ("2024-1-01", None),
            ("2024-01-01x", None),
            ("0000-01-01", None),
            ("", None),
        ] {
            assert_eq!(date(text.as_bytes()), days, "{text}");
            if let Some(days) = days {
                assert_eq!(date_text(i64::from(days)).as_deref(), Some(text));
            }
        }
        for days in (-719_162..2_932_897).step_by(53) {
            let text = date_text(days).unwrap();
            assert_eq!(date(text.as_bytes()).map(i64::from), Some(days), "{text}");
        }
    }

    #[test]
    fn times_are_microseconds() {
        for (text, expected) in [
            ("1970-01-01", Some((0, false))),
            ("1970-01-01 00:00:01", Some((1_000_000, false))),
            ("1970-01-01T00:01Z", Some((60_000_000, true))),
            ("1970-01-01T00:00:00.5+00:01", Some((-59_500_000, true))),
            (
                "1970-01-01T00:00:00.000001-0100",
                Some((3_600_000_001, true)),
            ),
            ("1970-01-01T00:00:00.000000900", None),
            ("1970-01-01T00:00:00.100000000", Some((100_000, false))),
            ("1970-01-01T24:00", None),
            ("1970-01-01T00:00:00.", None),
            ("1970-01-01T00", None),
            ("1970-01-01T00:00+", None),
            ("1970-01-01x00:00", None),
        ] {
            let expected = expected.map(|(microseconds, zoned)| Instant {
                microseconds,
                zoned,
            });
            assert_eq!(timestamp(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(
            timestamp_text(-1, true).as_deref(),
            Some("1969-12-31 23:59:59.999999Z")
        );
        assert_eq!(
            timestamp_text(60_000_000, false).as_deref(),
            Some("1970-01-01 00:01:00")
        );
        assert_eq!(timestamp_text(i64::MAX, false), None);
    }
}
