//! Why a request was not made, or not answered.

use memex_host_tools::ToolError;

/// Why there is no response.
///
/// The text of every variant is meant for the guest: it names rules and
/// limits, and neither secrets nor addresses that the guest did not write.
/// [`HttpError::detail`] is what only the host's log gets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No grant covers the request.
    #[error("{origin} is not granted ({request}); grants: {grants}")]
    NotGranted {
        /// Scheme, host and port.
        origin: String,
        /// Method and path.
        request: String,
        /// What is granted, in words.
        grants: String,
    },
    /// The name resolves to an address that is not public, or is one.
    #[error(
        "{origin} leads to an address that is not public; it takes a grant with `private_addresses = true`"
    )]
    PrivateAddress {
        /// Scheme, host and port.
        origin: String,
    },
    /// The URL has a scheme other than `http` and `https`.
    #[error("the scheme `{scheme}` is not granted; fetch speaks http and https")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// A header or query parameter that the host sets, or that would change
    /// what the rules have checked.
    #[error("the {place} `{name}` may not be set: {reason}")]
    Reserved {
        /// Header or query parameter.
        place: &'static str,
        /// Its name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// A count of the session is used up.
    #[error("this session has used up `{limit_name}` ({limit})")]
    Exhausted {
        /// The policy's limit that sets it, or the field of
        /// [`HttpLimits`](super::HttpLimits).
        limit_name: &'static str,
        /// Its value.
        limit: u64,
    },
    /// A part of the request is malformed.
    #[error("{what}: {reason}")]
    Invalid {
        /// The URL, method or header, as far as it can be shown.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// A part of the request is larger than a limit.
    #[error("the request's {what} exceeds `{limit_name}` ({actual} > {limit})")]
    RequestTooLarge {
        /// Which part.
        what: &'static str,
        /// The policy's limit that sets it, or the field of
        /// [`HttpLimits`](super::HttpLimits).
        limit_name: &'static str,
        /// Its value.
        limit: usize,
        /// What the request has.
        actual: usize,
    },
    /// A part of the response is larger than a limit; the rest was not read.
    #[error("the response of {origin} exceeds `{limit_name}` ({limit})")]
    ResponseTooLarge {
        /// Scheme, host and port.
        origin: String,
        /// The policy's limit that sets it, or the field of
        /// [`HttpLimits`](super::HttpLimits).
        limit_name: &'static str,
        /// Its value.
        limit: usize,
    },
    /// The time is over.
    #[error("{what} took longer than {limit_ms} ms")]
    TimedOut {
        /// What took too long.
        what: String,
        /// How long it might have taken.
        limit_ms: u64,
    },
    /// The server could not be reached, or did not speak HTTP.
    #[error("{origin}: {reason}")]
    Connection {
        /// Scheme, host and port.
        origin: String,
        /// What went wrong.
        reason: &'static str,
        /// For the host's log.
        detail: String,
    },
    /// A redirect that is not followed.
    #[error("{origin} redirects {reason}")]
    Redirect {
        /// Scheme, host and port of the server that redirects.
        origin: String,
        /// Where to, or how often.
        reason: String,
    },
    /// The egress was not set up correctly; the guest never sees this.
    #[error("{what}: {reason}")]
    Setup {
        /// Which part.
        what: String,
        /// What is wrong, and the remedy.
        reason: String,
    },
}

impl HttpError {
    /// The built-in exception that a guest sees.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::NotGranted { .. }
            | Self::PrivateAddress { .. }
            | Self::Scheme { .. }
            | Self::Reserved { .. }
            | Self::Exhausted { .. } => "PermissionError",
            Self::Invalid { .. } | Self::RequestTooLarge { .. } | Self::Setup { .. } => {
                "ValueError"
            }
            Self::TimedOut { .. } => "TimeoutError",
            Self::ResponseTooLarge { .. } | Self::Connection { .. } | Self::Redirect { .. } => {
                "ConnectionError"
            }
        }
    }

    /// What only the host's log gets.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Connection { detail, .. } => Some(detail),
            _ => None,
        }
    }

    /// The same error with every text passed through `map`.
    pub(super) fn map_text(mut self, map: impl Fn(&str) -> String) -> Self {
        let texts: Vec<&mut String> = match &mut self {
            Self::NotGranted {
                origin,
                request,
                grants,
            } => vec![origin, request, grants],
            Self::PrivateAddress { origin } | Self::ResponseTooLarge { origin, .. } => vec![origin],
            Self::Scheme { scheme } => vec![scheme],
            Self::Reserved { name, .. } => vec![name],
            Self::Exhausted { .. } | Self::RequestTooLarge { .. } => vec![],
            Self::Invalid { what, reason } | Self::Setup { what, reason } => vec![what, reason],
            Self::TimedOut { what, .. } => vec![what],
            Self::Connection { origin, detail, .. } => vec![origin, detail],
            Self::Redirect { origin, reason } => vec![origin, reason],
        };
        for text in texts {
            *text = map(text);
        }
        self
    }
}

impl From<HttpError> for ToolError {
    fn from(error: HttpError) -> Self {
        let answer = Self::new(error.class(), error.to_string());
        match error.detail() {
            Some(detail) => answer.with_detail(detail),
            None => answer,
        }
    }
}

/// As much of a text as a message shows, without control characters.
pub(super) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let mut shown: String = text
        .chars()
        .take(MAX_CHARS)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
