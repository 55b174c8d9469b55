//! What the handlers of this wire share.

use std::sync::Arc;

use super::envd::{Processes, Watchers};
use super::recent::Recent;
use crate::service::Service;
use crate::wires::executions::Executions;

/// The wire's state. Clones are the same.
#[derive(Clone)]
pub(super) struct E2b {
    pub(super) service: Service,
    pub(super) executions: Executions,
    pub(super) watchers: Arc<Watchers>,
    pub(super) processes: Arc<Processes>,
    /// Sandboxes whose token was handed out last, for signed URLs that name none.
    pub(super) recent: Arc<Recent>,
}

impl E2b {
    pub(super) fn new(service: &Service, executions: &Executions) -> Self {
        Self {
            service: service.clone(),
            executions: executions.clone(),
            watchers: Arc::default(),
            processes: Arc::default(),
            recent: Arc::default(),
        }
    }
}
