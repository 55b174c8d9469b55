//! Which hosts a session may reach through its tools.

use std::net::{IpAddr, Ipv4Addr};

use crate::error::Error;
use crate::lists::check_entries;
use crate::suggestions::{hint, quoted};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A host that may be reached, and how.
///
/// The guest has no sockets: a grant speaks to the tools that make requests
/// for it. [`HostGrant::permits`] decides by name; the connecting code must also
/// refuse a resolved address that is private unless `private_addresses` is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostGrant {
    /// A host name in lower case, an IP address, or `*.suffix` for every name
    /// below the suffix (not the suffix itself).
    pub host: String,
    /// The ports; 443 unless said otherwise.
    pub ports: Vec<u16>,
    /// The request methods; GET and HEAD unless said otherwise.
    pub methods: Vec<String>,
    /// The path and all below it: `/v1` holds `/v1/x` and not `/v10`.
    pub path_prefix: String,
    /// Whether the name may resolve to a loopback, private or link-local address.
    pub private_addresses: bool,
}

impl HostGrant {
    /// A grant of `host` with the defaults: port 443, GET and HEAD, any path,
    /// public addresses only.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            ports: vec![443],
            methods: vec!["GET".to_owned(), "HEAD".to_owned()],
            path_prefix: "/".to_owned(),
            private_addresses: false,
        }
    }

    /// Whether a request may be made; `path` is without query and fragment.
    ///
    /// Under a path prefix, a path that a server could read as lying elsewhere
    /// (`..`, or an encoded dot, slash or backslash) is refused.
    pub fn permits(&self, host: &str, port: u16, method: &str, path: &str) -> bool {
        let host = canonical_host(host);
        !host.starts_with('*')
            && host_covers(&self.host, &host)
            && self.ports.contains(&port)
            && self.methods.iter().any(|granted| granted == method)
            && path.starts_with('/')
            && path_covers(&self.path_prefix, path)
            && (self.path_prefix == "/" || !is_evasive(path))
    }

    /// Whether all that `asked` permits is permitted by this grant.
    pub(crate) fn covers(&self, asked: &Self) -> bool {
        host_covers(&self.host, &asked.host)
            && asked.ports.iter().all(|port| self.ports.contains(port))
            && asked
                .methods
                .iter()
                .all(|method| self.methods.contains(method))
            && path_covers(&self.path_prefix, &asked.path_prefix)
            && (self.private_addresses || !asked.private_addresses)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        check_host(&self.host)?;
        check_entries("ports", self.ports.len())?;
        check_entries("methods", self.methods.len())?;
        if self.ports.is_empty() || self.ports.contains(&0) {
            return Err(refusal(
                "host",
                &self.host,
                "`ports` must list ports from 1 to 65535",
            ));
        }
        if has_duplicate(&self.ports) || has_duplicate(&self.methods) {
            return Err(refusal(
                "host",
                &self.host,
                "a port or method is listed twice",
            ));
        }
        if self.methods.is_empty() {
            return Err(refusal(
                "host",
                &self.host,
                "`methods` is empty; write `[\"GET\"]`",
            ));
        }
        for method in &self.methods {
            if !METHODS.contains(&method.as_str()) {
                return Err(Error::UnknownChoice {
                    key: "methods".to_owned(),
                    value: quoted(method),
                    hint: hint(method, METHODS),
                });
            }
        }
        check_path_prefix(&self.path_prefix)
    }

    /// Words for messages: `` `host` on port 443 with GET, HEAD ``.
    pub(crate) fn describe(&self) -> String {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        let plural = if ports.len() == 1 { "port" } else { "ports" };
        let path = match self.path_prefix.as_str() {
            "/" => String::new(),
            prefix => format!(" under {}", quoted(prefix)),
        };
        let reach = if self.private_addresses {
            ", private addresses included"
        } else {
            ""
        };
        format!(
            "{} on {} {}{path} with {}{reach}",
            quoted(&self.host),
            plural,
            ports.join(", "),
            self.methods.join(", ")
        )
    }
}

/// The form in which a host is kept: lower case, IPv6 without brackets.
pub(crate) fn canonical_host(text: &str) -> String {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => text.to_ascii_lowercase(),
    }
}

fn check_host(host: &str) -> Result<(), Error> {
    if canonical_host(host) != host {
        return Err(refusal(
            "host",
            host,
            "it must be in lower case, without brackets",
        ));
    }
    if host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let (name, wild) = match host.strip_prefix("*.") {
        Some(suffix) => (suffix, true),
        None => (host, false),
    };
    let label_is_valid = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // Resolvers read `127.1`, `0x7f.1` and `2130706433` as addresses; a name
    // whose last label looks like a number is refused so that none slips in.
    let last = name.rsplit('.').next().unwrap_or(name);
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let reason = if name.contains('*') {
        "`*` may stand only at the start, followed by a dot, as in `*.example.org`"
    } else if !name.is_ascii() {
        "write an international name in its `xn--` form"
    } else if name.contains("://") || name.contains(['/', ':', '@']) {
        "write the host name alone; scheme, port and path have no place in it"
    } else if name.len() > 253 || !name.split('.').all(label_is_valid) {
        "it is not a host name, such as `api.example.org`"
    } else if numeric && (wild || name.parse::<Ipv4Addr>().is_err()) {
        "write an address in full, such as `192.0.2.1`"
    } else {
        return Ok(());
    };
    Err(refusal("host", host, reason))
}

fn check_path_prefix(prefix: &str) -> Result<(), Error> {
    let reason = if !prefix.starts_with('/') {
        "it must start with `/`"
    } else if prefix != "/" && prefix.ends_with('/') {
        "write it without the trailing `/`; all below it is included"
    } else if is_evasive(prefix) || prefix.contains("//") {
        "it must be normalised: no `.`, `..`, doubled or encoded separators"
    } else if prefix.contains(|c: char| !c.is_ascii_graphic() || c == '?' || c == '#') {
        "it is a path: encode spaces and non-ASCII characters, leave out query and fragment"
    } else {
        return Ok(());
    };
    Err(refusal("path_prefix", prefix, reason))
}

/// Whether a server may read `path` as lying elsewhere than it seems to.
fn is_evasive(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    path.contains('\\')
        || ["%2e", "%2f", "%5c", "%00"]
            .iter()
            .any(|code| lower.contains(code))
        || path.split('/').any(|part| matches!(part, "." | ".."))
}

fn host_covers(granted: &str, asked: &str) -> bool {
    match granted.strip_prefix('*') {
        // With the star gone, `.suffix` is left; below it, one more label.
        Some(dotted) => {
            let name = asked.strip_prefix('*').unwrap_or(asked);
            granted == asked
                || name
                    .strip_suffix(dotted)
                    .is_some_and(|label| !label.is_empty())
        }
        None => granted == asked,
    }
}

fn path_covers(granted: &str, asked: &str) -> bool {
    granted == "/"
        || asked
            .strip_prefix(granted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn has_duplicate<T: PartialEq>(items: &[T]) -> bool {
    items
        .iter()
        .enumerate()
        .any(|(index, item)| items.iter().take(index).any(|earlier| earlier == item))
}

fn refusal(what: &'static str, value: &str, reason: &str) -> Error {
    Error::Invalid {
        what,
        value: quoted(value),
        reason: reason.to_owned(),
    }
}
