//! Work for the store or the disk that no session is needed for.

use std::sync::Arc;

use super::state::Inner;
use crate::error::ServiceError;

impl Inner {
    /// Does something that waits for the store or the disk away from the threads that serve
    /// requests: a store over the network needs those to come to an end. It is done to its
    /// end also when whoever asked has gone.
    pub(super) async fn aside<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<R, ServiceError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        let fault = || ServiceError::internal("the work met a fault");
        let place = Arc::clone(&self.asides).acquire_owned().await;
        let place = place.map_err(|_| fault())?;
        let inner = Arc::clone(self);
        let worked = tokio::task::spawn_blocking(move || {
            let done = work(&inner);
            drop(place);
            done
        });
        worked.await.unwrap_or_else(|_| Err(fault()))
    }
}
