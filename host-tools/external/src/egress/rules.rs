//! Which requests are granted. This file decides; nothing else does.

use memex_policies::HostGrant;
use std::sync::Arc;

use super::addresses::AddressClass;
use super::error::{HttpError, excerpt};
use super::limits::HttpLimits;
use super::target::Target;

/// Grants in a message; more are counted.
const GRANTS_SHOWN: usize = 8;

/// What may be requested: the grants of a policy.
///
/// Without grants, nothing may. Every hop of a redirect is asked for like a
/// request of its own.
#[derive(Debug, Clone, Default)]
pub struct EgressRules {
    grants: Arc<[HostGrant]>,
}

impl EgressRules {
    /// Rules that permit what any of the grants permits.
    pub fn new(grants: impl IntoIterator<Item = HostGrant>) -> Self {
        Self {
            grants: grants.into_iter().collect(),
        }
    }

    /// Whether a request would be made as far as that can be said without
    /// resolving the name.
    ///
    /// # Errors
    /// What [`Egress::request`](super::Egress::request) would answer.
    pub fn check(&self, method: &str, url: &str) -> Result<(), HttpError> {
        let target = Target::parse(url, HttpLimits::default().url_max_bytes)?;
        let reach = self.permit(&target, method)?;
        match target.address() {
            Some(address) => reach.admit(&target, address),
            None => Ok(()),
        }
    }

    /// Decides by name, port, method and path.
    pub(super) fn permit(&self, target: &Target, method: &str) -> Result<Reach, HttpError> {
        let mut permitting = self
            .grants
            .iter()
            .filter(|grant| {
                grant.permits(target.host(), target.port(), method, target.path())
                    && (grant.path_prefix == "/" || !is_ambiguous(target.path()))
            })
            .peekable();
        if permitting.peek().is_none() {
            return Err(HttpError::NotGranted {
                origin: target.origin(),
                request: excerpt(&format!("{method} {}", target.path())),
                grants: self.describe(),
            });
        }
        Ok(Reach {
            private_addresses: permitting.any(|grant| grant.private_addresses),
        })
    }

    fn describe(&self) -> String {
        if self.grants.is_empty() {
            return "none".to_owned();
        }
        let shown: Vec<String> = self.grants.iter().take(GRANTS_SHOWN).map(words).collect();
        match self.grants.len().saturating_sub(GRANTS_SHOWN) {
            0 => shown.join("; "),
            more => format!("{}; and {more} more", shown.join("; ")),
        }
    }
}

/// How far a permitted request reaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    private_addresses: bool,
}

impl Reach {
    /// Decides by address.
    pub(super) fn admit(self, target: &Target, address: std::net::IpAddr) -> Result<(), HttpError> {
        if AddressClass::of(address).is_permitted(self.private_addresses) {
            return Ok(());
        }
        Err(HttpError::PrivateAddress {
            origin: target.origin(),
        })
    }
}

/// Beyond what [`HostGrant::permits`] refuses under a prefix: what is decoded
/// twice, and dots that hide behind a path parameter.
fn is_ambiguous(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    ["%252e", "%252f", "%255c", "%2500", "%2525", "%3b"]
        .iter()
        .any(|code| lower.contains(code))
        || path
            .split('/')
            .any(|part| part.starts_with(".;") || part.starts_with("..;"))
}

fn words(grant: &HostGrant) -> String {
    let ports: Vec<String> = grant.ports.iter().map(u16::to_string).collect();
    let path = match grant.path_prefix.as_str() {
        "/" => String::new(),
        prefix => format!(" under {prefix}"),
    };
    format!(
        "{}:{} ({}{path})",
        grant.host,
        ports.join(","),
        grant.methods.join(", ")
    )
}
