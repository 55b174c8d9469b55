//! Which servers are believed to be what they say.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;

use super::error::HttpError;

/// The TLS settings of an egress: the system's certificates and extra ones.
///
/// The system's are read with the first request that needs them: a session that
/// makes none does not pay for them, and a machine may have none.
pub(super) struct Tls {
    extra_roots: Vec<CertificateDer<'static>>,
    connector: OnceLock<Result<TlsConnector, String>>,
}

impl Tls {
    /// With the certificates of these PEM texts as well.
    ///
    /// # Errors
    /// [`HttpError::Setup`] for text that holds no certificate.
    pub(super) fn new(extra_roots: &[String]) -> Result<Self, HttpError> {
        let mut all = Vec::new();
        // Only to refuse at once what could not be used later.
        let mut checked = RootCertStore::empty();
        for pem in extra_roots {
            let before = all.len();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| setup(error.to_string()))?;
                let added = checked.add(certificate.clone());
                added.map_err(|error| setup(error.to_string()))?;
                all.push(certificate);
            }
            if all.len() == before {
                return Err(setup("no PEM certificate in the text".to_owned()));
            }
        }
        Ok(Self {
            extra_roots: all,
            connector: OnceLock::new(),
        })
    }

    /// What makes connections private.
    ///
    /// # Errors
    /// If there is no certificate at all: says so, for the host's log.
    pub(super) fn connector(&self) -> Result<&TlsConnector, &str> {
        let connector = self.connector.get_or_init(|| {
            let roots = self.extra_roots.iter().cloned();
            let mut config =
                memex_tls::client_config_with(roots).map_err(|error| error.to_string())?;
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Ok(TlsConnector::from(Arc::new(config)))
        });
        connector.as_ref().map_err(String::as_str)
    }
}

fn setup(reason: String) -> HttpError {
    HttpError::Setup {
        what: "the root certificates".to_owned(),
        reason,
    }
}
