//! TLS of servers: one certificate, read again when the operator says so.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::provider;

/// Bytes of a file with certificates or a key.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Why a server has no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what} in PEM", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The certificate cannot be used with the key.
    #[error("the certificate and the key cannot be used together: {0}")]
    Pair(#[source] rustls::Error),
}

/// The certificate of a server, with the files that it comes from. Connections that begin
/// after a [`reload`](Self::reload) are served the new one; others are not disturbed.
pub struct Certificates {
    current: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads a chain of certificates, the server's first, and its key, both in PEM.
    ///
    /// # Errors
    /// When one of them cannot be read or used, or they do not belong together.
    pub fn open(chain: &Path, key: &Path) -> Result<Arc<Self>, CertificateError> {
        let current = RwLock::new(Arc::new(read(chain, key)?));
        Ok(Arc::new(Self { current }))
    }

    /// Reads the files again, or others.
    ///
    /// # Errors
    /// As [`open`](Self::open); the certificate stays as it was.
    pub fn reload(&self, chain: &Path, key: &Path) -> Result<(), CertificateError> {
        let fresh = Arc::new(read(chain, key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The settings of a server that speaks HTTP/1.1 with this certificate.
    ///
    /// # Errors
    /// If the crypto library cannot be set up.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificates {
    /// One certificate for all names: it has those of the server and `*.DOMAIN`.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let text = content(chain)?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|_| missing(chain, "certificate"))?;
    if certificates.is_empty() {
        return Err(missing(chain, "certificate"));
    }
    let text = content(key)?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| missing(key, "private key"))?;
    CertifiedKey::from_der(certificates, key, &provider()).map_err(CertificateError::Pair)
}

fn content(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_MAX_BYTES).read_to_end(&mut content))
        .map_err(|source| CertificateError::File {
            path: path.to_owned(),
            source,
        })?;
    Ok(content)
}

fn missing(path: &Path, what: &'static str) -> CertificateError {
    CertificateError::Content {
        path: path.to_owned(),
        what,
    }
}
