//! What clients send to the wires, for the fuzz targets.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::ranges::{Range, range_of};
use super::{e2b, opensandbox};
use crate::json::{object, value as bounded};

/// Reads the body of a request, as each wire does and as what each wire asks for with it.
///
/// # Errors
/// Says why it is no object.
pub fn read_body(body: &[u8]) -> Result<Value, String> {
    e2b::fuzzing::read_bodies(body)?;
    opensandbox::fuzzing::read_bodies(body)?;
    let _list = bounded::<Value>(body);
    object(body).map_err(|error| error.to_string())
}

/// Reads the body of a call of the Connect protocol, with these lines of headers.
///
/// # Errors
/// What does not hold.
pub fn check_call(lines: &[u8], body: &[u8]) -> Result<(), String> {
    e2b::fuzzing::check_call(&headers(lines), body)
}

/// Reads where a request goes: the host and other headers, and the path.
///
/// # Errors
/// What does not hold.
pub fn check_address(lines: &[u8], path: &str) -> Result<(), String> {
    let headers = headers(lines);
    e2b::fuzzing::check_address(&headers)?;
    e2b::fuzzing::check_signature(path)?;
    opensandbox::fuzzing::check_place(path)?;
    for value in headers.get_all("range") {
        for length in [0, 10, u64::MAX] {
            if let Range::Part { from, until } = range_of(value, length)
                && (from >= until || until > length)
            {
                return Err(format!("{value:?} of {length} bytes: {from} until {until}"));
            }
        }
    }
    Ok(())
}

/// Whether a path of a file matches a pattern.
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    opensandbox::fuzzing::matches(pattern, path)
}

fn headers(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').take(64) {
        let mut fields = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (fields.next(), fields.next()) else {
            continue;
        };
        let name = HeaderName::from_bytes(name).ok();
        if let Some((name, value)) = name.zip(HeaderValue::from_bytes(value.trim_ascii()).ok()) {
            headers.append(name, value);
        }
    }
    headers
}
