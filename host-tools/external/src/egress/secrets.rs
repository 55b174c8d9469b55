//! Credentials that the host adds to requests and the guest never sees.

use http::{HeaderName, HeaderValue};
use std::fmt;

use super::error::{HttpError, excerpt};
use super::headers::is_reserved;
use super::target::Target;
use memex_scrubbing::{check_header_value, check_size, parts};

/// Most bytes of a secret that goes into a request; servers take no longer heads.
const SENT_MAX_BYTES: usize = 8 << 10;

/// A credential that the host adds to requests to some hosts.
///
/// It goes to port 443 over TLS, unless [`Secret::ports`] and
/// [`Secret::over_plain_http`] say otherwise, and only to requests that the
/// rules permit. A guest may not set the header or parameter itself, and on a
/// request that carries a secret no header that makes a server answer in part,
/// in another character set, or with the request itself.
///
/// Answers are searched for all secrets of the egress, and what is found is
/// replaced by `[secret]`: the value, a token behind a scheme such as `Bearer`,
/// and the pair and password of `Basic`; as they are, reversed, in hexadecimal
/// and in base64, in any case of letters, and each of these percent-encoded or
/// escaped as in JSON, HTML, source code or mail, also several times over. Each
/// must have [`SECRET_MIN_BYTES`](crate::SECRET_MIN_BYTES): shorter ones are
/// refused. This is a net for servers that echo by habit. A granted server that
/// means to pass the secret on (split between answers, encrypted) can do so:
/// grant secrets to hosts you would tell them to.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    host: String,
    ports: Vec<u16>,
    plain_http: bool,
    place: Place,
    name: String,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    Query,
}

impl Secret {
    /// A header of requests to `host`: a name, an address, or `*.suffix`.
    pub fn header(
        host: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self::new(Place::Header, host.into(), name.into(), value.into())
    }

    /// A query parameter of requests to `host`: a name, an address, or `*.suffix`.
    pub fn query(
        host: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self::new(Place::Query, host.into(), name.into(), value.into())
    }

    fn new(place: Place, host: String, name: String, value: String) -> Self {
        Self {
            host: host.to_ascii_lowercase(),
            ports: vec![443],
            plain_http: false,
            place,
            name,
            value,
        }
    }

    /// The ports it goes to; 443 unless said otherwise.
    #[must_use]
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports = ports.into_iter().collect();
        self
    }

    /// Sends it without TLS too, where everyone on the way can read it.
    #[must_use]
    pub fn over_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    pub(super) fn check(&self) -> Result<(), HttpError> {
        let header_is_valid = || {
            HeaderName::from_bytes(self.name.as_bytes()).is_ok_and(|name| !is_reserved(&name))
                && HeaderValue::from_str(&self.value).is_ok()
        };
        let size = match self.place {
            Place::Header => check_header_value(&self.value),
            Place::Query => check_size(&self.value),
        };
        let reason = if let Err(reason) = size {
            format!("its value {reason}")
        } else if self.value.len() > SENT_MAX_BYTES {
            format!("its value is longer than the {SENT_MAX_BYTES} bytes that a request takes")
        } else if self.host.is_empty() || self.ports.is_empty() {
            "it goes nowhere; name a host and a port".to_owned()
        } else if self.place == Place::Header && !header_is_valid() {
            "name or value cannot stand in a header".to_owned()
        } else if self.name.is_empty() {
            "it has no name".to_owned()
        } else {
            return Ok(());
        };
        Err(HttpError::Setup {
            what: format!("the secret `{}`", excerpt(&self.name)),
            reason,
        })
    }

    /// Whether it is added to requests to this target.
    pub(super) fn belongs_to(&self, target: &Target) -> bool {
        let host_matches = match self.host.strip_prefix("*.") {
            Some(suffix) => target
                .host()
                .strip_suffix(suffix)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            None => target.host() == self.host,
        };
        // A suffix is a matter of names: no address lies below one.
        let is_name = target.address().is_none() || !self.host.starts_with('*');
        host_matches
            && is_name
            && self.ports.contains(&target.port())
            && (target.is_tls() || self.plain_http)
    }

    /// The header it is, with a value that is kept out of debug output.
    pub(super) fn as_header(&self) -> Option<(HeaderName, HeaderValue)> {
        if self.place != Place::Header {
            return None;
        }
        let name = HeaderName::from_bytes(self.name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(&self.value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }

    /// The query parameter it is.
    pub(super) fn as_parameter(&self) -> Option<(&str, &str)> {
        (self.place == Place::Query).then_some((self.name.as_str(), self.value.as_str()))
    }

    /// Everything that gives it away: the value and the parts that count.
    pub(super) fn parts(&self) -> Vec<Vec<u8>> {
        parts(&self.value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("host", &self.host)
            .field("place", &self.place)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
