//! Taking up the operator's settings again, while the server runs.

use std::sync::Arc;

use super::state::Service;
use crate::error::ServiceError;
use crate::tenants::Tenant;

/// What reading the tenants again came to, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconfigured {
    /// Those that are new.
    pub added: Vec<String>,
    /// Those whose settings were read again.
    pub kept: Vec<String>,
    /// Those that are configured no more: their keys are void until they are again, and
    /// their sandboxes live on until their lifetimes are over.
    pub retired: Vec<String>,
}

impl Service {
    /// Takes the tenants of the operator's file in place of those before, and reads the
    /// keys. Blocks. What tenants use goes on being counted; a turn that runs ends under the
    /// policy that it began with, and the next one is held against the new one.
    ///
    /// # Errors
    /// When the data directory or the policies of the tenants cannot be used; then some of
    /// the settings may have been taken already, and the same call can be made again.
    pub fn reconfigure(&self, tenants: Vec<Tenant>) -> Result<Reconfigured, ServiceError> {
        let inner = &self.inner;
        let failed = |what: &str, error: std::io::Error| {
            tracing::error!(%error, "{what} cannot be read");
            ServiceError::internal(format!("{what} cannot be read"))
        };
        let mut done = Reconfigured::default();
        let known = inner.tenants();
        for tenant in &known {
            let is_named = tenants.iter().any(|fresh| fresh.name() == tenant.name());
            if !is_named && tenant.is_configured() {
                tenant.retire();
                done.retired.push(tenant.name().to_owned());
            }
        }
        for fresh in tenants {
            let name = fresh.name().to_owned();
            if let Some(tenant) = known.iter().find(|known| known.name() == name) {
                tenant.adopt(&fresh);
                done.kept.push(name);
                continue;
            }
            let fresh = Arc::new(fresh);
            // They are there before its first key is.
            let found = inner.find_sandboxes_of(&fresh);
            found.map_err(|error| failed("the sandboxes of a tenant", error))?;
            inner.tenants.write().push(fresh);
            done.added.push(name);
        }
        let read = inner.read_keys();
        read.map_err(|error| failed("the keys", error))?;
        inner.warm()?;
        Ok(done)
    }
}
