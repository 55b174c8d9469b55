//! The body of a request that is on its way, and who pays for it.

use std::sync::Arc;

use axum::http::request::Parts;
use parking_lot::Mutex;

use super::principal::Principal;
use super::tenant::Tenant;
use crate::error::ServiceError;

/// What a request's body holds until it is answered. It is among the extensions of the
/// request; its tenant pays from when the key was looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    tenant: Option<Arc<Tenant>>,
    bytes: usize,
    refused: Option<ServiceError>,
    has_ended: bool,
}

impl InFlight {
    /// Has the tenant of whoever asks pay for the request's body.
    ///
    /// # Errors
    /// Where too much of the tenant's is on its way already.
    pub(crate) fn is_paid_by(parts: &Parts, who: &Principal) -> Result<(), ServiceError> {
        match parts.extensions.get::<Self>() {
            Some(flight) => flight.pays(&who.tenant),
            None => Ok(()),
        }
    }

    fn pays(&self, tenant: &Arc<Tenant>) -> Result<(), ServiceError> {
        let mut state = self.0.lock();
        if state.tenant.is_some() || state.has_ended {
            return Ok(());
        }
        state.tenant = Some(Arc::clone(tenant));
        // What came before is paid for now.
        let bytes = std::mem::take(&mut state.bytes);
        state.grow(bytes)
    }

    /// Counts more of the body.
    ///
    /// # Errors
    /// Where too much of the tenant's is on its way already.
    pub(crate) fn grow(&self, bytes: usize) -> Result<(), ServiceError> {
        let mut state = self.0.lock();
        match state.has_ended {
            // The answer is over, and the handler reads on.
            true => Ok(()),
            false => state.grow(bytes),
        }
    }

    /// Why the body was not taken, if it was not.
    pub(crate) fn refusal(&self) -> Option<ServiceError> {
        self.0.lock().refused.take()
    }

    /// The request was answered.
    pub(crate) fn end(&self) {
        self.0.lock().end();
    }
}

impl State {
    fn grow(&mut self, bytes: usize) -> Result<(), ServiceError> {
        if let Some(tenant) = &self.tenant {
            let admitted = tenant
                .usage
                .admit_in_flight(&tenant.quota(), self.bytes, bytes);
            if let Err(error) = admitted {
                self.refused = Some(error.clone());
                return Err(error);
            }
        }
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    fn end(&mut self) {
        self.has_ended = true;
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(tenant) = self.tenant.take() {
            tenant.usage.flight_ended(bytes);
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.end();
    }
}
