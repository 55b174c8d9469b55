//! The headers of a request: what a guest may set, and what is the host's.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::error::{HttpError, excerpt};
use super::limits::HttpLimits;

/// Headers that frame a message or speak to whoever carries it.
const FRAMING: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Headers by which some servers take another path than that of the request.
const REWRITING: &[&str] = &["x-original-url", "x-original-uri", "x-rewrite-url"];

/// Headers by which some servers take another method than that of the request.
const METHOD_OVERRIDES: &[&str] = &[
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Headers by which a server answers with a part of what it has, with a
/// difference to it, with a digest of it, or in another character set. In such an
/// answer a secret is not found whole.
const CUTTING: &[&str] = &[
    "a-im",
    "accept-charset",
    "content-range",
    "if-range",
    "range",
    "request-range",
    "want-content-digest",
    "want-digest",
    "want-repr-digest",
];

/// Methods that servers answer with the request as they got it.
const ECHOING: &[&str] = &["DEBUG", "TRACE", "TRACK"];

/// Headers that speak of a body; they go when a redirect drops it.
const OF_THE_BODY: &[&str] = &[
    "content-encoding",
    "content-language",
    "content-location",
    "content-type",
];

/// Headers that speak for someone; they go when a redirect leaves the origin.
const OF_THE_ORIGIN: &[&str] = &["authorization", "cookie", "cookie2"];

/// A name as gateways hand it on: many make `-` and `_` the same.
fn spelt(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Whether gateways take one name for the other.
pub(super) fn is_same(name: &HeaderName, other: &HeaderName) -> bool {
    spelt(name.as_str()) == spelt(other.as_str())
}

/// Whether only the host sets it.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    let name = spelt(name.as_str());
    FRAMING.contains(&name.as_str())
        || REWRITING.contains(&name.as_str())
        || name.starts_with("proxy-")
}

/// Whether a header may keep a secret in an answer from being found.
pub(crate) fn cuts_answers(name: &str) -> bool {
    CUTTING.contains(&spelt(name).as_str())
}

/// Whether a method makes servers answer with the request.
pub(super) fn echoes_requests(method: &str) -> bool {
    ECHOING.contains(&method)
}

/// Reads the headers that a guest sets.
///
/// `Accept-Encoding` is left out: what is decoded here is settled here, and
/// the guest gets the decoded body whatever it asked for.
pub(super) fn guest_headers(
    pairs: &[(String, String)],
    limits: &HttpLimits,
) -> Result<HeaderMap, HttpError> {
    let too_large = |limit_name, limit, actual| HttpError::RequestTooLarge {
        what: "headers",
        limit_name,
        limit,
        actual,
    };
    let count_max = limits.request_headers_max_count;
    if pairs.len() > count_max {
        let name = "request_headers_max_count";
        return Err(too_large(name, count_max, pairs.len()));
    }
    let bytes = size_of_pairs(pairs.iter().map(|(name, value)| (name.len(), value.len())));
    let bytes_max = limits.request_headers_max_bytes;
    if bytes > bytes_max {
        return Err(too_large("request_headers_max_bytes", bytes_max, bytes));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let (name, value) = header(name, value)?;
        if is_reserved(&name) {
            return Err(HttpError::Reserved {
                place: "header",
                name: name.to_string(),
                reason: "it is set where the request is made; leave it out",
            });
        }
        if !is_same(&name, &http::header::ACCEPT_ENCODING) {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

/// The methods that headers ask for in place of that of the request.
pub(super) fn overriding_methods(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers
        .iter()
        .filter(|(name, _)| METHOD_OVERRIDES.contains(&spelt(name.as_str()).as_str()))
        .map(|(_, value)| {
            String::from_utf8_lossy(value.as_bytes())
                .trim()
                .to_uppercase()
        })
}

pub(super) fn drop_headers_of_the_body(headers: &mut HeaderMap) {
    for name in OF_THE_BODY {
        headers.remove(*name);
    }
}

pub(super) fn drop_headers_of_the_origin(headers: &mut HeaderMap) {
    for name in OF_THE_ORIGIN {
        headers.remove(*name);
    }
}

/// Names and values, as limits count them.
pub(super) fn size_of_pairs(sizes: impl Iterator<Item = (usize, usize)>) -> usize {
    sizes.fold(0, |sum, (name, value)| {
        sum.saturating_add(name).saturating_add(value)
    })
}

/// A value as text: UTF-8, else Latin-1, as HTTP once had it.
pub(super) fn text_of(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HttpError> {
    let refusal = |reason: &str| HttpError::Invalid {
        what: format!("the header `{}`", excerpt(name)),
        reason: reason.to_owned(),
    };
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| refusal("a name is made of letters, digits and `-`"))?;
    let value = HeaderValue::from_bytes(value.trim_matches([' ', '\t']).as_bytes())
        .map_err(|_| refusal("its value contains line ends or other control characters"))?;
    Ok((parsed, value))
}
