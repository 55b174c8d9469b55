//! Headers of providers about rate limits and retries.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

/// Limits as headers count them, with the header that says when one ends.
const LIMITS: &[(&str, &str)] = &[
    (
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
    (
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
    (
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ),
];

/// How long the provider asks to wait before the next attempt.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| header(headers, name);
    let exact = text("retry-after-ms").and_then(|value| value.parse::<f64>().ok());
    let exact = exact.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
    exact
        .or_else(|| moment(text("retry-after")?, now))
        .or_else(|| used_up(headers, now))
}

/// How long until the last of the limits that are used up ends.
pub(super) fn used_up(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let ends = LIMITS.iter().filter_map(|(remaining, reset)| {
        let empty = header(headers, remaining)?.parse::<f64>().ok()? <= 0.0;
        let reset = header(headers, reset)?;
        empty.then(|| moment(reset, now))?
    });
    ends.max()
}

/// Whether the provider itself says that trying again helps.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    header(headers, "x-should-retry")?.parse().ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// The time until a moment: seconds, `1m30.5s`, RFC 3339 or an HTTP date.
fn moment(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = |at: SystemTime| at.duration_since(now).unwrap_or_default();
    if let Ok(at) = humantime::parse_rfc3339(text) {
        return Some(until(at));
    }
    let date = httpdate::parse_http_date(text).ok();
    date.map(until).or_else(|| span(text))
}

/// A span as Go writes it: numbers, each with its unit.
fn span(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, tail) = tail.split_at(letters.unwrap_or(tail.len()));
        let factor = match unit {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn waits_are_read_from_every_form() {
        let now = humantime::parse_rfc3339("2026-03-01T12:00:00Z").unwrap();
        type Case<'a> = (&'a [(&'static str, &'static str)], Option<u64>);
        let cases: &[Case<'_>] = &[
            (&[], None),
            (&[("retry-after", "7")], Some(7_000)),
            (&[("retry-after", "0.25")], Some(250)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "1e300")], None),
            (
                &[("retry-after", "Sun, 01 Mar 2026 12:00:09 GMT")],
                Some(9_000),
            ),
            (&[("retry-after", "Sun, 01 Mar 2026 11:00:00 GMT")], Some(0)),
            (
                &[("retry-after", "9"), ("retry-after-ms", "1500")],
                Some(1_500),
            ),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "1m30.5s"),
                ],
                Some(90_500),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "12"),
                    ("x-ratelimit-reset-tokens", "6ms"),
                ],
                None,
            ),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "120ms"),
                    ("anthropic-ratelimit-tokens-remaining", "0"),
                    ("anthropic-ratelimit-tokens-reset", "2026-03-01T12:00:04Z"),
                ],
                Some(4_000),
            ),
        ];
        for (list, wait_ms) in cases {
            let wait = retry_after(&headers(list), now);
            assert_eq!(wait, wait_ms.map(Duration::from_millis), "{list:?}");
        }
    }
}
