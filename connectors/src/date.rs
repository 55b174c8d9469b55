//! Dates of timestamps, as `YYYY-MM-DD`.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// The date in UTC of seconds since 1970, for the years that have four digits.
pub(super) fn of_seconds(seconds: f64) -> Option<String> {
    // The last second of the year 9999.
    if !(0.0..=253_402_300_799.0).contains(&seconds) {
        return None;
    }
    let time = DateTime::from_timestamp(seconds.floor() as i64, 0)?;
    Some(time.date_naive().to_string())
}

/// The date that an ISO timestamp begins with.
pub(super) fn of_iso(text: &str) -> Option<String> {
    let date = text.get(..10)?;
    let known = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    // Only what is written in full.
    (known.to_string() == date).then(|| date.to_owned())
}

/// The seconds since 1970 of an ISO timestamp; one without a zone is in UTC.
pub(super) fn seconds_of_iso(text: &str) -> Option<f64> {
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc().naive_utc(),
        Err(_) => {
            let with_t = text.replacen(' ', "T", 1);
            NaiveDateTime::parse_from_str(&with_t, "%Y-%m-%dT%H:%M:%S%.f")
                .ok()
                .or_else(|| {
                    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
                    day.and_hms_opt(0, 0, 0)
                })?
        }
    };
    let time = time.and_utc();
    Some(time.timestamp() as f64 + f64::from(time.timestamp_subsec_millis()) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_of_timestamps() {
        for (text, expect) in [
            ("1970-01-01T00:01:00Z", Some(60.0)),
            ("1970-01-01T01:00:00.500+01:00", Some(0.5)),
            ("1970-01-02", Some(86_400.0)),
            ("1970-01-01 00:00:07", Some(7.0)),
            ("yesterday", None),
        ] {
            assert_eq!(seconds_of_iso(text), expect, "{text}");
        }
    }

    #[test]
    fn dates_of_seconds() {
        for (seconds, expect) in [
            (0.0, Some("1970-01-01")),
            (951_782_400.0, Some("2000-02-29")),
            (1_709_164_799.9, Some("2024-02-28")),
            (1_709_251_200.0, Some("2024-03-01")),
            (253_402_300_799.0, Some("9999-12-31")),
            (253_402_300_800.0, None),
            (-1.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(of_seconds(seconds).as_deref(), expect, "{seconds}");
        }
    }

    #[test]
    fn dates_of_timestamps() {
        for (text, expect) in [
            ("2024-02-29T10:00:00Z", Some("2024-02-29")),
            ("2024-02-29", Some("2024-02-29")),
            ("24-02-2900", None),
            ("2024/02/29", None),
            ("2024", None),
            ("2024-02-30T10:00:00Z", None),
            ("2024-2-3T10:00", None),
            ("2024-02-2é", None),
        ] {
            assert_eq!(of_iso(text).as_deref(), expect, "{text}");
        }
    }
}
