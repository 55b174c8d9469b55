//! The HTTP client.

use std::time::Duration;

use memex_tls::ClientConfig;
use reqwest::redirect;

use super::{Limiter, Limits, RetryPolicy, Timeouts};
use crate::ModelError;

/// Connections, timeouts, second attempts and limits. Clones share all of it:
/// give one transport to every model of a provider's account.
///
/// It follows no redirects, so that a key goes where it was meant to go, and
/// uses no proxy but the one it is given. TLS is rustls, checking certificates
/// against those that the system trusts.
#[derive(Debug, Clone)]
pub struct Transport {
    pub(super) client: reqwest::Client,
    pub(super) timeouts: Timeouts,
    pub(super) retry: RetryPolicy,
    pub(super) limiter: Limiter,
}

impl Transport {
    /// A transport of its own, for TLS or for plain HTTP alone.
    ///
    /// # Errors
    /// [`ModelError::Setting`] if the system trusts no certificates, or the
    /// proxy is no address.
    pub fn new(
        timeouts: Timeouts,
        retry: RetryPolicy,
        limits: Limits,
        proxy: Option<&str>,
        tls: bool,
    ) -> Result<Self, ModelError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(tls)?)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(Duration::from_millis(timeouts.connect_ms))
            .user_agent(concat!("memex/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|_| ModelError::Setting {
                setting: "proxy",
                what: "is no URL of a proxy; write http://HOST:PORT".to_owned(),
            })?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| ModelError::Setting {
            setting: "transport",
            what: error.without_url().to_string(),
        })?;
        Ok(Self {
            client,
            timeouts,
            retry,
            limiter: Limiter::new(limits),
        })
    }
}

/// Plain HTTP needs no certificates, and a machine may have none.
fn tls_config(tls: bool) -> Result<ClientConfig, ModelError> {
    let config = match tls {
        true => memex_tls::client_config(),
        false => memex_tls::plain_client_config(),
    };
    config.map_err(|error| ModelError::Setting {
        setting: "tls",
        what: format!("{error}; install the system's certificates"),
    })
}
