//! The network, as the embedder gives it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use memex_memory::{Error, shown};

use crate::report::malformed;

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchRequest<'r> {
    /// The resource to fetch.
    pub url: &'r str,
    /// The media type that is asked for.
    pub accept: &'r str,
    /// How long the answer may be at most; a longer one is an error.
    pub bytes_max: u64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// The way to the network. The embedder decides which hosts can be reached,
/// follows redirects, adds tokens and bounds the time; an import only names
/// what it wants.
pub trait Fetch {
    /// Gets what a URL names.
    ///
    /// # Errors
    /// If there is no answer, or it is too long.
    fn get(&self, request: &FetchRequest<'_>) -> Result<Fetched, FetchError>;
}

/// Gets something that must be there.
pub(super) fn get(
    fetch: &dyn Fetch,
    url: &str,
    accept: &str,
    bytes_max: u64,
) -> Result<Vec<u8>, Error> {
    let fetched = ask(fetch, url, accept, bytes_max)?;
    match fetched.status {
        200..=299 => Ok(fetched.body),
        _ => Err(refusal(url, &fetched)),
    }
}

/// Gets something that must be there and be JSON of this form.
pub(super) fn json<T: DeserializeOwned>(
    fetch: &dyn Fetch,
    url: &str,
    accept: &str,
    bytes_max: u64,
) -> Result<T, Error> {
    parsed(url, &get(fetch, url, accept, bytes_max)?)
}

/// An answer as JSON of a form.
pub(super) fn parsed<T: DeserializeOwned>(url: &str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body)
        .map_err(|error| malformed(url, format!("is not answered as expected: {error}")))
}

/// Asks for something that may not be there.
pub(super) fn ask(
    fetch: &dyn Fetch,
    url: &str,
    accept: &str,
    bytes_max: u64,
) -> Result<Fetched, Error> {
    let request = FetchRequest {
        url,
        accept,
        bytes_max,
    };
    let fetched = fetch
        .get(&request)
        .map_err(|error| malformed(url, error.to_string()))?;
    match fetched.body.len() as u64 > bytes_max {
        true => Err(malformed(url, "answered more than was asked for")),
        false => Ok(fetched),
    }
}

/// What a status that is no success means, with what the service says of it.
pub(super) fn refusal(url: &str, fetched: &Fetched) -> Error {
    let remedy = match fetched.status {
        401 | 403 => "was refused; check the token and what it may read",
        404 => "is not there, or the token may not see it",
        429 => "is asked too often; try again later",
        _ => "did not answer as it should",
    };
    let said = said(&fetched.body).map_or(String::new(), |said| format!(": {said}"));
    let status = fetched.status;
    malformed(url, format!("{remedy} (status {status}){said}"))
}

/// The message in an error of GitHub's or Google's.
fn said(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let messages = ["/message", "/error/message"];
    let message = messages.iter().find_map(|at| body.pointer(at)?.as_str())?;
    Some(shown(message)).filter(|message| !message.is_empty())
}

/// A text as part of a URL.
pub(super) fn escaped(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    bytes.collect()
}
