//! What is held for requests: bodies that were read and wait to be used, and files that are
//! worked on whole.

use std::sync::Arc;

use super::tenant::Tenant;
use crate::error::ServiceError;

/// Bytes of a request's body, held against the quota of the tenant until it is used.
/// Dropped, they count no more.
#[derive(Debug)]
pub(crate) struct HeldBody {
    tenant: Arc<Tenant>,
    bytes: usize,
}

impl HeldBody {
    /// Counts the body of a request.
    ///
    /// # Errors
    /// Where too much of the tenant's waits already.
    pub(crate) fn admit(tenant: &Arc<Tenant>, bytes: usize) -> Result<Self, ServiceError> {
        tenant.usage.admit_body(&tenant.quota(), bytes)?;
        Ok(Self {
            tenant: Arc::clone(tenant),
            bytes,
        })
    }

    /// Counts more of it.
    ///
    /// # Errors
    /// As [`HeldBody::admit`].
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), ServiceError> {
        self.tenant.usage.admit_body(&self.tenant.quota(), bytes)?;
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.tenant.usage.body_left(self.bytes);
    }
}
