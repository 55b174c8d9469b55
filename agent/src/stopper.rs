//! Stopping whichever question is being answered.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::Cancellation;
use crate::cancellation::Stopping;

/// Stops the answers of a dialogue, from any thread. Clones stop the same one.
///
/// ```text
///  idle ──ask──► answering ──stop──► asked to stop ──stop──► forced ──┐
///    ▲                │                     │                         │
///    └────────────────┴─────────────────────┴─────────────────────────┘
/// ```
/// After the first call the model is not listened to any more, and code gets a
/// `KeyboardInterrupt`; after the second, code is ended where it is and its
/// names are as they were before the block.
#[derive(Debug, Clone, Default)]
pub struct Stopper {
    answering: Arc<Mutex<Option<Cancellation>>>,
}

impl Stopper {
    /// Stops the answer that is being made: softly the first time, hard from
    /// the second on.
    pub fn stop(&self) -> Stopping {
        self.stop_telling(|_| ())
    }

    /// As [`stop`](Self::stop), and calls `tell` with what was met. The answer
    /// does not end before `tell` returns, so that what it shows comes first. It
    /// must not stop anything itself.
    pub fn stop_telling(&self, tell: impl FnOnce(Stopping)) -> Stopping {
        // An answer takes this lock to end.
        let answering = self.answering.lock();
        let stopping = answering
            .as_ref()
            .map_or(Stopping::Idle, Cancellation::stop);
        tell(stopping);
        stopping
    }

    /// An answer begins; it ends with what is returned.
    pub(crate) fn begin(&self) -> Answering {
        let cancellation = Cancellation::new();
        *self.answering.lock() = Some(cancellation.clone());
        Answering {
            stopper: self.clone(),
            cancellation,
        }
    }
}

/// An answer that is being made.
pub(crate) struct Answering {
    stopper: Stopper,
    pub(crate) cancellation: Cancellation,
}

impl Drop for Answering {
    fn drop(&mut self) {
        *self.stopper.answering.lock() = None;
    }
}
