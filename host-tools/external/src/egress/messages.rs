//! What goes in and what comes out.

use std::time::{Duration, Instant};

/// A request as a guest, or a tool that speaks for it, makes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpRequest {
    /// In any case of letters.
    pub method: String,
    /// An `http` or `https` URL.
    pub url: String,
    /// Names and values, in order; a name may stand more than once.
    pub headers: Vec<(String, String)>,
    /// May be empty.
    pub body: Vec<u8>,
    /// How long it may take; the egress's own limit applies as well.
    pub timeout: Option<Duration>,
    /// When it is given up at the latest.
    pub deadline: Option<Instant>,
    /// Whether a redirect is followed or answered.
    pub follow_redirects: bool,
}

impl HttpRequest {
    /// A request without headers and body that follows redirects.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            follow_redirects: true,
            ..Self::default()
        }
    }
}

/// A response, without any secret of the host.
///
/// The body is decompressed; `content-encoding` and `content-length` are then
/// left out of the headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Such as 200.
    pub status: u16,
    /// Such as `OK`; may be empty.
    pub reason: String,
    /// The URL that answered, after redirects.
    pub url: String,
    /// Names in lower case, and values. A name may stand more than once.
    pub headers: Vec<(String, String)>,
    /// May be empty.
    pub body: Vec<u8>,
}
