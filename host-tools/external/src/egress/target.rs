//! Where a request goes: a URL, normalised once. Rules, resolver, connection
//! and request line all use this form, so that none reads it differently.

use std::net::IpAddr;
use url::{Host, Url};

use super::error::{HttpError, excerpt};

/// A normalised URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    url: Url,
    host: String,
    address: Option<IpAddr>,
    port: u16,
}

impl Target {
    /// Reads what a guest wrote.
    pub(super) fn parse(text: &str, max_bytes: usize) -> Result<Self, HttpError> {
        check_text(text, max_bytes)?;
        let url = Url::parse(text).map_err(|error| invalid(text, &error.to_string()))?;
        Self::from_url(url)
    }

    /// Reads the `Location` of an answer; the fragment stays unless it has its own.
    pub(super) fn redirected(&self, location: &str, max_bytes: usize) -> Result<Self, HttpError> {
        check_text(location, max_bytes)?;
        let joined = self.url.join(location);
        let mut url = joined.map_err(|error| invalid(location, &error.to_string()))?;
        if url.fragment().is_none() {
            url.set_fragment(self.url.fragment());
        }
        Self::from_url(url)
    }

    fn from_url(mut url: Url) -> Result<Self, HttpError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HttpError::Scheme {
                scheme: excerpt(url.scheme()),
            });
        }
        if !url.username().is_empty() || url.password().is_some() {
            let reason = "user and password have no place in a URL; set a header";
            return Err(invalid("the URL", reason));
        }
        // `host.` and `host` are the same place, and are one name from here on.
        // Without the dot a name may be an address, which setting it finds out.
        if let Some(Host::Domain(name)) = url.host() {
            let bare = name.strip_suffix('.').unwrap_or(name).to_owned();
            let set = url.set_host(Some(&bare));
            set.map_err(|error| invalid(&bare, &error.to_string()))?;
        }
        let address = match url.host() {
            Some(Host::Domain(name)) => {
                check_name(name)?;
                None
            }
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            // A mapped address is the address that it maps.
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6).to_canonical()),
            None => return Err(invalid(url.as_str(), "it names no host")),
        };
        let port = url.port_or_known_default();
        let port = port.ok_or_else(|| invalid(url.as_str(), "it names no port"))?;
        let host = match address {
            Some(address) => address.to_string(),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        Ok(Self {
            url,
            host,
            address,
            port,
        })
    }

    /// The name in lower case, or the address without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The host, if it is an address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Without query and fragment.
    pub(super) fn path(&self) -> &str {
        self.url.path()
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// For the `Host` header: the port is left out if the scheme implies it.
    pub(super) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// `https://host:port`, for messages.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.url.scheme(), self.authority())
    }

    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    /// Whether the query has a parameter of this name.
    pub(super) fn has_parameter(&self, name: &str) -> bool {
        self.url.query_pairs().any(|(key, _)| key == name)
    }

    /// Path and query with these parameters in place of any of their names.
    pub(super) fn path_and_query(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = self.url.clone();
        if parameters.iter().any(|(name, _)| self.has_parameter(name)) {
            let kept: Vec<(String, String)> = self
                .url
                .query_pairs()
                .filter(|(key, _)| !parameters.iter().any(|(name, _)| key == name))
                .map(|(key, value)| (key.into_owned(), value.into_owned()))
                .collect();
            url.query_pairs_mut().clear().extend_pairs(kept);
        }
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }
}

/// The parser drops tabs and line ends wherever they stand. Whoever writes
/// them into a URL is after something else.
fn check_text(text: &str, max_bytes: usize) -> Result<(), HttpError> {
    if text.len() > max_bytes {
        return Err(HttpError::RequestTooLarge {
            what: "URL",
            limit_name: "url_max_bytes",
            limit: max_bytes,
            actual: text.len(),
        });
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(text, "it contains control characters"));
    }
    Ok(())
}

/// URLs allow more in a name than resolvers and certificates agree on.
fn check_name(name: &str) -> Result<(), HttpError> {
    let label_is_valid = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() > 253 || !name.split('.').all(label_is_valid) {
        return Err(invalid(name, "it is not a host name"));
    }
    Ok(())
}

fn invalid(what: &str, reason: &str) -> HttpError {
    HttpError::Invalid {
        what: excerpt(what),
        reason: reason.to_owned(),
    }
}
