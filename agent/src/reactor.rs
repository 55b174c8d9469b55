//! The threads that models and tools run on.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::Error;

/// Drives requests to models and calls of tools. One serves any number of runs;
/// cheap to clone. The last one to be dropped stops what is still under way,
/// unless its threads belong to the caller.
#[derive(Debug, Clone)]
pub struct Reactor {
    runtime: Arc<Stopping>,
}

#[derive(Debug)]
struct Stopping(Option<Runtime>, Handle);

impl Reactor {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::Reactor`].
    pub fn new() -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("memex-reactor")
            .enable_all()
            .build()
            .map_err(Error::Reactor)?;
        let handle = runtime.handle().clone();
        Ok(Self {
            runtime: Arc::new(Stopping(Some(runtime), handle)),
        })
    }

    /// Uses the threads of a tokio runtime that the process has already. It must
    /// have I/O and time enabled, several threads, and outlive the runs.
    #[must_use]
    pub fn on(runtime: Handle) -> Self {
        Self {
            runtime: Arc::new(Stopping(None, runtime)),
        }
    }

    /// Waits for a future on this thread, which must not be one of its own.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.1.block_on(future)
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.runtime.1
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        // The last clone may go away on a thread of the runtime itself.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
