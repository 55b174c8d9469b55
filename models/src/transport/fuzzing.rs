//! Rate-limit headers and the beginnings of answers, for the fuzz targets.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::{arriving, rate_headers};

/// How long to wait for, by lines of headers; the longest that any of them says.
#[must_use]
pub fn told_to_wait(lines: &[u8]) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let mut fields = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (fields.next(), fields.next()) else {
            continue;
        };
        let name = HeaderName::from_bytes(name).ok();
        if let Some((name, value)) = name.zip(HeaderValue::from_bytes(value.trim_ascii()).ok()) {
            headers.append(name, value);
        }
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let _retry = rate_headers::should_retry(&headers);
    rate_headers::retry_after(&headers, now).max(rate_headers::used_up(&headers, now))
}

/// Whether the body of an answer begins as a stream of events; `None` if more must come.
#[must_use]
pub fn begins_as_events(bytes: &[u8]) -> Option<bool> {
    arriving::begins_as_events(bytes)
}
