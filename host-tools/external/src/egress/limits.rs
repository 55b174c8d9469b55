//! How much a session may ask of the network.

use memex_policies::Limits;
use std::time::Duration;

use super::error::HttpError;

/// Bounds on requests, on answers, and on what one session makes of them.
///
/// Every bound is finite. A bound of zero is refused when the egress is built,
/// except for `redirects_max`, `requests_per_session_max` and
/// `waiting_per_session_max`, where zero means none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// Length of a URL, of a redirect too; 8 KiB.
    pub url_max_bytes: usize,
    /// Headers that a request may set; 64.
    pub request_headers_max_count: usize,
    /// Names and values of those headers together; 32 KiB.
    pub request_headers_max_bytes: usize,
    /// Body of a request; 8 MiB.
    pub request_body_max_bytes: usize,
    /// Headers of an answer; 128.
    pub response_headers_max_count: usize,
    /// Names and values of those headers together; 64 KiB.
    pub response_headers_max_bytes: usize,
    /// Body of an answer, as sent and after decompression; 32 MiB.
    pub response_body_max_bytes: usize,
    /// Redirects that one request follows; 10.
    pub redirects_max: u32,
    /// Addresses of one name that are tried; 8.
    pub addresses_max: usize,
    /// Resolving, connecting and the TLS handshake of one hop; 10 s.
    pub connect_timeout_ms: u64,
    /// The whole of a request, waiting for its turn and redirects included; 60 s.
    pub total_timeout_ms: u64,
    /// Requests of a session, each hop of a redirect included; 1000.
    pub requests_per_session_max: u64,
    /// Requests of a session that run at a time; 8.
    pub concurrent_per_session_max: usize,
    /// Requests of a session that wait for their turn; more are refused; 64.
    pub waiting_per_session_max: usize,
    /// Sessions whose requests are counted. Beyond, the one that was quiet
    /// longest is forgotten and counts from zero again; 65,536.
    pub sessions_max: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            url_max_bytes: 8 << 10,
            request_headers_max_count: 64,
            request_headers_max_bytes: 32 << 10,
            request_body_max_bytes: 8 << 20,
            response_headers_max_count: 128,
            response_headers_max_bytes: 64 << 10,
            response_body_max_bytes: 32 << 20,
            redirects_max: 10,
            addresses_max: 8,
            connect_timeout_ms: 10_000,
            total_timeout_ms: 60_000,
            requests_per_session_max: 1000,
            concurrent_per_session_max: 8,
            waiting_per_session_max: 64,
            sessions_max: 1 << 16,
        }
    }
}

impl From<&Limits> for HttpLimits {
    /// The bounds that a policy states, and defaults for the others.
    fn from(limits: &Limits) -> Self {
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let default = Self::default();
        Self {
            request_body_max_bytes: size(limits.http_request_bytes),
            response_body_max_bytes: size(limits.http_response_bytes),
            redirects_max: limits.http_redirects,
            connect_timeout_ms: default.connect_timeout_ms.min(limits.http_time_ms),
            total_timeout_ms: limits.http_time_ms,
            requests_per_session_max: limits.http_requests,
            concurrent_per_session_max: limits.http_concurrent as usize,
            ..default
        }
    }
}

/// What a semaphore can count; far more than a host could serve.
const CONCURRENT_CEILING: usize = 1 << 16;
/// What a map of headers can hold.
const HEADERS_CEILING: usize = 1 << 14;
/// A month: later deadlines are of no use, and clocks can still hold them.
const TIMEOUT_CEILING_MS: u64 = 31 * 24 * 3600 * 1000;

impl HttpLimits {
    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) fn total_timeout(&self) -> Duration {
        Duration::from_millis(self.total_timeout_ms)
    }

    pub(super) fn check(&self) -> Result<(), HttpError> {
        let sizes = [
            ("url_max_bytes", self.url_max_bytes),
            ("request_headers_max_count", self.request_headers_max_count),
            ("request_headers_max_bytes", self.request_headers_max_bytes),
            ("request_body_max_bytes", self.request_body_max_bytes),
            (
                "response_headers_max_count",
                self.response_headers_max_count,
            ),
            (
                "response_headers_max_bytes",
                self.response_headers_max_bytes,
            ),
            ("response_body_max_bytes", self.response_body_max_bytes),
            ("addresses_max", self.addresses_max),
            (
                "concurrent_per_session_max",
                self.concurrent_per_session_max,
            ),
            ("sessions_max", self.sessions_max),
        ];
        let times = [
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("total_timeout_ms", self.total_timeout_ms),
        ];
        let size = sizes.iter().find(|(_, size)| *size == 0);
        let time = times
            .iter()
            .find(|(_, ms)| *ms == 0 || *ms > TIMEOUT_CEILING_MS);
        let wide = [
            (
                "concurrent_per_session_max",
                self.concurrent_per_session_max,
                CONCURRENT_CEILING,
            ),
            (
                "waiting_per_session_max",
                self.waiting_per_session_max,
                CONCURRENT_CEILING,
            ),
            (
                "request_headers_max_count",
                self.request_headers_max_count,
                HEADERS_CEILING,
            ),
            (
                "response_headers_max_count",
                self.response_headers_max_count,
                HEADERS_CEILING,
            ),
        ]
        .into_iter()
        .find(|(_, value, ceiling)| value > ceiling)
        .map(|(name, ..)| name);
        match size
            .map(|(name, _)| *name)
            .or(time.map(|(name, _)| *name))
            .or(wide)
        {
            Some(name) => Err(HttpError::Setup {
                what: format!("the limit `{name}`"),
                reason: "it is zero or beyond all use".to_owned(),
            }),
            None => Ok(()),
        }
    }
}
