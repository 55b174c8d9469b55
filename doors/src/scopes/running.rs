//! A call on its way: given up while it waits, interrupted while its code runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memex_runtime::Interrupter;
use parking_lot::Mutex;

/// Between two interrupts of a turn that was just about to begin.
const AGAIN: Duration = Duration::from_millis(5);

/// One call's handle to its turn. Clones are of the same call.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<State>);

#[derive(Default)]
struct State {
    is_cancelled: AtomicBool,
    interrupter: Mutex<Option<Interrupter>>,
}

impl Running {
    /// The turn is about to begin; false if it is not to.
    pub(super) fn begin(&self, interrupter: Interrupter) -> bool {
        *self.0.interrupter.lock() = Some(interrupter);
        !self.is_cancelled()
    }

    /// The turn is over: what comes later is not for it.
    pub(super) fn end(&self) {
        *self.0.interrupter.lock() = None;
    }

    /// Whether its code runs.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.interrupter.lock().is_some()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::SeqCst)
    }

    /// Keeps the turn from beginning, or raises `KeyboardInterrupt` in it; code that swallows
    /// that is stopped after the policy's grace time.
    pub(crate) async fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::SeqCst);
        loop {
            let met = match self.0.interrupter.lock().as_ref() {
                None => return,
                Some(interrupter) => interrupter.soft(),
            };
            if met {
                return;
            }
            // Between `begin` and the turn's first instruction, or after its last.
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The same, at once and without waiting, as when the server ends.
    pub(super) fn stop(&self) {
        self.0.is_cancelled.store(true, Ordering::SeqCst);
        if let Some(interrupter) = self.0.interrupter.lock().as_ref() {
            let _met = interrupter.hard();
        }
    }
}

/// Interrupts the turn when its caller is gone.
pub(crate) struct StopOnDrop(pub(crate) Running);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.is_cancelled.store(true, Ordering::SeqCst);
        if let Some(interrupter) = self.0.0.interrupter.lock().as_ref() {
            let _met = interrupter.soft();
        }
    }
}
