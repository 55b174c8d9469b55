//! Formats of texts that are checked. Others are annotations.
//!
//! What is accepted is what JSON Schema says, and what Python's own types write: a time
//! without a zone, a space between date and time.

use jsonschema::ValidationOptions;

/// Formats that the library would check, and that say nothing that a tool relies on.
const UNCHECKED: [&str; 13] = [
    "duration",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "uri-reference",
    "uri-template",
];

/// What a text of a format looks like, for messages.
pub(super) fn example(format: &str) -> &'static str {
    match format {
        "date" => "a date such as 2024-12-31",
        "date-time" => "a date and time such as 2024-12-31T23:59:00Z",
        "time" => "a time such as 23:59:00",
        "uuid" => "a UUID such as 123e4567-e89b-12d3-a456-426614174000",
        "email" => "an email address such as name@example.org",
        "uri" => "a URI such as https://example.org/page",
        _ => "of its format",
    }
}

/// The options, with the formats that are checked.
pub(super) fn checked(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    let mut options = options
        .should_validate_formats(true)
        .with_format("date", is_date)
        .with_format("date-time", is_date_time)
        .with_format("time", is_time)
        .with_format("uuid", is_uuid)
        .with_format("email", is_email)
        .with_format("uri", is_uri);
    for format in UNCHECKED {
        options = options.with_format(format, |_: &str| true);
    }
    options
}

fn is_date(text: &str) -> bool {
    let mut fields = text.split('-');
    let (year, month, day) = (fields.next(), fields.next(), fields.next());
    let (Some(year), Some(month), Some(day), None) = (year, month, day, fields.next()) else {
        return false;
    };
    let numbers = (digits(year, 4), digits(month, 2), digits(day, 2));
    let (Some(year), Some(month), Some(day)) = numbers else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_date_time(text: &str) -> bool {
    match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => is_date(date) && is_time(time),
        None => false,
    }
}

/// `HH:MM[:SS[.fraction]]`, with a zone or without.
fn is_time(text: &str) -> bool {
    let clock = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => clock,
        None => match text.rfind(['+', '-']) {
            None => text,
            Some(at) => {
                let (clock, zone) = text.split_at(at);
                let zone = zone.get(1..).unwrap_or_default();
                if !is_clock(zone) {
                    return false;
                }
                clock
            }
        },
    };
    is_clock(clock)
}

fn is_clock(text: &str) -> bool {
    let mut fields = text.split(':');
    let (hour, minute, second) = (fields.next(), fields.next(), fields.next());
    if fields.next().is_some() {
        return false;
    }
    let within = |field: Option<&str>, max: u32| {
        field
            .and_then(|field| digits(field, 2))
            .is_some_and(|number| number <= max)
    };
    let is_second = match second {
        None => true,
        Some(second) => {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
            // A minute may have a leap second.
            within(Some(whole), 60)
                && !fraction.is_empty()
                && fraction.bytes().all(|byte| byte.is_ascii_digit())
        }
    };
    within(hour, 23) && within(minute, 59) && is_second
}

/// A number of so many digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    let are_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok())?
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let is_address = domain.starts_with('[') && domain.ends_with(']') && domain.len() > 2;
    let is_quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
    let is_plain = !name.is_empty()
        && !name
            .contains(|c: char| c.is_whitespace() || c.is_control() || "@<>(),;:\\\"".contains(c));
    (is_plain || is_quoted) && (is_address || domain.split('.').all(is_label))
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let is_foreign = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
    is_scheme && !rest.is_empty() && !rest.contains(is_foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_take_what_standards_and_python_write() {
        type Check = fn(&str) -> bool;
        let cases: [(Check, &[&str], &[&str]); 6] = [
            (
                is_date,
                &["2024-02-29", "0001-01-01", "2000-02-29"],
                &[
                    "2023-02-29",
                    "1900-02-29",
                    "2024-13-01",
                    "2024-00-10",
                    "24-01-01",
                    "tomorrow",
                    "2024-1-1",
                    "2024-01-01T00:00",
                    "",
                    "2024-01-32",
                    "+024-01-01",
                ],
            ),
            (
                is_date_time,
                &[
                    "2024-01-01T10:00:00Z",
                    "2024-01-01T10:00:00",
                    "2024-01-01 10:00:00.123456+02:00",
                    "2024-01-01t10:00-05:00",
                ],
                &[
                    "2024-01-01",
                    "10:00:00",
                    "2024-01-01T25:00:00",
                    "2024-02-30T10:00:00",
                    "2024-01-01T10:00:00+99:00",
                    "yesterday T noon",
                ],
            ),
            (
                is_time,
                &["10:00", "23:59:60Z", "10:00:00.5+02:00", "00:00:00-00:00"],
                &[
                    "24:00",
                    "10",
                    "10:60",
                    "10:00:61",
                    "10:00:00.",
                    "10:00:00+2",
                    "a:b",
                    "10:00:00:00",
                    "",
                ],
            ),
            (
                is_uuid,
                &[
                    "123e4567-e89b-12d3-a456-426614174000",
                    "123E4567-E89B-12D3-A456-426614174000",
                ],
                &[
                    "123e4567e89b12d3a456426614174000",
                    "123e4567-e89b-12d3-a456-42661417400g",
                    "",
                    "x",
                ],
            ),
            (
                is_email,
                &[
                    "a@b.org",
                    "first.last+tag@sub.example.org",
                    "ü@bücher.example",
                    "root@localhost",
                    "a@[127.0.0.1]",
                    "\"a b\"@c.org",
                ],
                &[
                    "a",
                    "@b.org",
                    "a@",
                    "a b@c.org",
                    "a@b..org",
                    "a@b@c.org",
                    "a@.org",
                    "Name <a@b.org>",
                ],
            ),
            (
                is_uri,
                &[
                    "https://example.org/a?b=c#d",
                    "urn:isbn:1",
                    "mailto:a@b.org",
                    "file:///a",
                    "https://bücher.example/ü",
                ],
                &[
                    "example.org",
                    "//example.org",
                    "https:",
                    "1http://x",
                    "http://a b",
                    "",
                    "http://a\n",
                ],
            ),
        ];
        for (check, fit, unfit) in cases {
            for text in fit {
                assert!(check(text), "{text:?}");
            }
            for text in unfit {
                assert!(!check(text), "{text:?}");
            }
        }
    }
}
