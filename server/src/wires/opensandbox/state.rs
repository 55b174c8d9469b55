//! What the handlers of this wire share.

use crate::service::Service;
use crate::wires::executions::Executions;

/// The wire's state. Clones are the same.
#[derive(Clone)]
pub(super) struct OpenSandbox {
    pub(super) service: Service,
    pub(super) executions: Executions,
}

impl OpenSandbox {
    pub(super) fn new(service: &Service, executions: &Executions) -> Self {
        Self {
            service: service.clone(),
            executions: executions.clone(),
        }
    }
}
