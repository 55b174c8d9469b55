//! How an egress is set up.

use std::fmt;
use std::sync::Arc;

use super::broker::{Egress, Shared};
use super::budgets::Budgets;
use super::error::HttpError;
use super::limits::HttpLimits;
use super::resolver::{Dial, Resolve, SystemResolver, TcpDialer};
use super::rules::EgressRules;
use super::secrets::Secret;
use super::tls::Tls;
use memex_scrubbing::{REPLACEMENT, Scrubber};

/// Sets up an [`Egress`].
///
/// Defaults: [`HttpLimits::default`], no secrets, the system's resolver, direct
/// TCP, the certificates that the system trusts.
pub struct EgressBuilder {
    rules: EgressRules,
    limits: HttpLimits,
    secrets: Vec<Secret>,
    resolver: Arc<dyn Resolve>,
    dialer: Arc<dyn Dial>,
    extra_roots: Vec<String>,
}

impl Egress {
    /// Starts with rules; see [`EgressBuilder`] for the defaults of the rest.
    #[must_use]
    pub fn builder(rules: EgressRules) -> EgressBuilder {
        EgressBuilder::new(rules)
    }
}

impl EgressBuilder {
    fn new(rules: EgressRules) -> Self {
        Self {
            rules,
            limits: HttpLimits::default(),
            secrets: Vec::new(),
            resolver: Arc::new(SystemResolver),
            dialer: Arc::new(TcpDialer),
            extra_roots: Vec::new(),
        }
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: HttpLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a credential.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Finds addresses in another way than the system does.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Connects in another way than directly.
    #[must_use]
    pub fn dialer(mut self, dialer: impl Dial) -> Self {
        self.dialer = Arc::new(dialer);
        self
    }

    /// Trusts the certificates of this PEM text as well.
    #[must_use]
    pub fn extra_root_certificates(mut self, pem: impl Into<String>) -> Self {
        self.extra_roots.push(pem.into());
        self
    }

    /// Builds the egress.
    ///
    /// # Errors
    /// [`HttpError::Setup`] for a limit of zero, a secret that cannot be sent,
    /// or text that holds no certificate.
    pub fn build(self) -> Result<Egress, HttpError> {
        self.limits.check()?;
        for secret in &self.secrets {
            secret.check()?;
        }
        Ok(Egress::new(Shared {
            tls: Tls::new(&self.extra_roots)?,
            scrubber: Scrubber::new(
                self.secrets
                    .iter()
                    .map(|secret| (REPLACEMENT.to_owned(), secret.parts())),
            ),
            rules: self.rules,
            limits: self.limits,
            secrets: self.secrets,
            resolver: self.resolver,
            dialer: self.dialer,
            budgets: Budgets::default(),
        }))
    }
}

impl fmt::Debug for EgressBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressBuilder")
            .field("rules", &self.rules)
            .field("limits", &self.limits)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}
