//! TLS settings of every client: models, tools, egress and buckets; and of servers.
//!
//! There is one crypto library (ring) and one trust store (the certificates that
//! the system trusts, found as OpenSSL finds them). No other crate names either, so
//! that a build contains each once.

mod server;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

pub use rustls::{ClientConfig, ServerConfig};
pub use server::{CertificateError, Certificates};

/// The crypto library, for servers and tests as well.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client that trusts what the system trusts.
///
/// # Errors
/// If the system has no certificates.
pub fn client_config() -> Result<ClientConfig, rustls::Error> {
    client_config_with([])
}

/// A client that trusts what the system trusts, and `roots` as well.
///
/// # Errors
/// If one of `roots` cannot be used, or there is no certificate at all.
pub fn client_config_with(
    roots: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<ClientConfig, rustls::Error> {
    let verifier = Verifier::new_with_extra_roots(roots, provider())?;
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
    Ok(builder()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// A client for plain HTTP alone: it trusts no certificate, and needs none on the
/// machine.
///
/// # Errors
/// If the crypto library cannot be set up.
pub fn plain_client_config() -> Result<ClientConfig, rustls::Error> {
    Ok(builder()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()
}
