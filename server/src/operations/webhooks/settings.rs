//! Where notices go, as the operator writes it.

use memex_external::egress::Egress;
use serde::Deserialize;

use super::notice::Kind;
use crate::operations::outgoing::{Permitted, gate};

/// The shortest secret.
const SECRET_BYTES_MIN: usize = 16;

/// Where notices go, as the operator writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// An `https` URL; `http` where `private_addresses` is set.
    pub url: String,
    /// The variable of the environment that holds the secret of signatures.
    pub secret_variable: String,
    /// The events that are told. Default: all.
    pub events: Option<Vec<String>>,
    /// The tenants whose events are told. Default: all.
    pub tenants: Option<Vec<String>>,
    /// Whether the name may lead to an address of the loopback or a private network.
    pub private_addresses: bool,
}

/// Where notices go.
pub struct WebhookTarget {
    pub(super) url: String,
    pub(super) secret: String,
    pub(super) events: Vec<Kind>,
    pub(super) tenants: Option<Vec<String>>,
    pub(super) egress: Egress,
}

impl std::fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookTarget").finish_non_exhaustive()
    }
}

impl WebhookSettings {
    /// The target. `variable` reads the environment, which holds the secret.
    ///
    /// # Errors
    /// What is wrong with a setting.
    pub fn build(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<WebhookTarget, String> {
        let permitted = match self.private_addresses {
            true => Permitted::PrivateToo,
            false => Permitted::Public,
        };
        let (url, egress) = gate(&self.url, permitted).map_err(|what| format!("url: {what}"))?;
        let secret = variable(&self.secret_variable).unwrap_or_default();
        if secret.len() < SECRET_BYTES_MIN {
            return Err(format!(
                "secret_variable: {:?} holds no secret of {SECRET_BYTES_MIN} bytes or more",
                self.secret_variable
            ));
        }
        let events: Result<Vec<Kind>, String> = self
            .events
            .as_ref()
            .map_or(Ok(Kind::ALL.to_vec()), |names| {
                names.iter().map(|name| kind(name)).collect()
            });
        Ok(WebhookTarget {
            url,
            secret,
            events: events?,
            tenants: self.tenants.clone(),
            egress,
        })
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| {
        let all: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        format!("events: {name:?} is none of {}", all.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_a_secret_or_with_another_scheme_is_refused() {
        let secret = |name: &str| (name == "HOOK").then(|| "0123456789abcdef".to_owned());
        let settings = |url: &str| WebhookSettings {
            url: url.to_owned(),
            secret_variable: "HOOK".to_owned(),
            ..WebhookSettings::default()
        };
        assert!(
            settings("https://hooks.example.org/x")
                .build(&secret)
                .is_ok()
        );
        for (url, what) in [
            ("http://hooks.example.org", "not https"),
            ("ftp://hooks.example.org", "not https"),
            ("https://a:b@hooks.example.org", "a password"),
            ("nothing", "url: "),
        ] {
            let error = settings(url).build(&secret).unwrap_err();
            assert!(error.contains(what), "{url}: {error}");
        }
        let inside = WebhookSettings {
            private_addresses: true,
            ..settings("http://127.0.0.1:9/x")
        };
        assert!(inside.build(&secret).is_ok());
        assert!(inside.build(&|_| None).unwrap_err().contains("no secret"));
        assert!(
            inside
                .build(&|_| Some("short".into()))
                .unwrap_err()
                .contains("no secret")
        );
        let events = WebhookSettings {
            events: Some(vec!["sandbox.born".to_owned()]),
            ..inside
        };
        assert!(
            events
                .build(&secret)
                .unwrap_err()
                .contains("sandbox.created")
        );
    }
}
