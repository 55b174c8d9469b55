//! The gate for requests that the server itself makes: one host, one port, POST.

use memex_external::egress::{Egress, EgressRules, HttpLimits};
use memex_policies::HostGrant;
use url::Url;

/// What a target may answer; it is not looked at.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How long it may take.
const TIMEOUT_MS: u64 = 10_000;

/// Where the name of a target may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permitted {
    /// To public addresses, over TLS.
    Public,
    /// Anywhere; `http` is permitted as well.
    PrivateToo,
}

/// The URL as it is asked for, and the gate that permits it and nothing else, whatever its
/// name or a redirect leads to.
pub(super) fn gate(url: &str, permitted: Permitted) -> Result<(String, Egress), String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let host = url.host_str().ok_or("it names no host")?;
    match (url.scheme(), permitted) {
        ("https", _) | ("http", Permitted::PrivateToo) => {}
        ("http", Permitted::Public) => {
            return Err("it is not https; that is for `private_addresses`".to_owned());
        }
        _ => return Err("it is not https".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a password".to_owned());
    }
    let grant = HostGrant {
        ports: url.port_or_known_default().into_iter().collect(),
        methods: vec!["POST".to_owned()],
        private_addresses: permitted == Permitted::PrivateToo,
        ..HostGrant::new(host.trim_matches(['[', ']']))
    };
    let limits = HttpLimits {
        response_body_max_bytes: ANSWER_BYTES_MAX,
        redirects_max: 0,
        total_timeout_ms: TIMEOUT_MS,
        requests_per_session_max: u64::MAX,
        ..HttpLimits::default()
    };
    let egress = Egress::builder(EgressRules::new([grant])).limits(limits);
    let egress = egress.build().map_err(|error| error.to_string())?;
    Ok((url.to_string(), egress))
}
