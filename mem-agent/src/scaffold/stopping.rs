//! Stopping an answer from another thread: softly first, then hard.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use memex_runtime::Interrupter;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// How often an interrupt is repeated that was asked for.
const INSISTENCE: Duration = Duration::from_millis(10);

/// Stops what an agent is doing, from any thread. Clones stop the same agent.
///
/// ```text
///  idle ──ask──► answering ──stop──► asked to stop ──stop──► forced ──┐
///    ▲                │                     │                         │
///    └────────────────┴─────────────────────┴─────────────────────────┘
/// ```
/// After the first call the model is not listened to any more, and Python gets
/// a `KeyboardInterrupt`; after the second, Python is ended where it is and the
/// variables are as they were before the block. Either way the agent answers
/// the next question with its conversation as it was before this one, and what
/// the memory was told stays told.
#[derive(Debug, Clone, Default)]
pub struct Stopper {
    shared: Arc<Shared>,
}

/// What [`Stopper::stop`] met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// The agent was not answering.
    Idle,
    /// The model was writing: it is over at once.
    Model,
    /// Python was running: it is asked to end.
    Python,
    /// It had been asked before: it is ended.
    Forced,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    asked: Notify,
}

#[derive(Default)]
struct State {
    is_answering: bool,
    calls: u32,
    /// The session that runs a block.
    running: Option<Interrupter>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("is_answering", &self.is_answering)
            .field("calls", &self.calls)
            .field("runs_python", &self.running.is_some())
            .finish()
    }
}

impl Stopper {
    /// Stops the answer that is being made: softly the first time, hard from
    /// the second on.
    pub fn stop(&self) -> Stopping {
        self.stop_telling(|_| ())
    }

    /// As [`Stopper::stop`], and calls `tell` with what was met. The answer does
    /// not end before `tell` returns, so that what it shows comes first.
    pub fn stop_telling(&self, tell: impl FnOnce(Stopping)) -> Stopping {
        let mut state = self.shared.state.lock();
        if !state.is_answering {
            tell(Stopping::Idle);
            return Stopping::Idle;
        }
        state.calls = state.calls.saturating_add(1);
        let is_first = state.calls == 1;
        let stopping = match (&state.running, is_first) {
            (Some(running), true) => {
                interrupt(running, state.calls);
                Stopping::Python
            }
            (Some(running), false) => {
                interrupt(running, state.calls);
                Stopping::Forced
            }
            (None, true) => Stopping::Model,
            (None, false) => Stopping::Forced,
        };
        self.shared.asked.notify_waiters();
        tell(stopping);
        stopping
    }

    /// An answer begins; it ends with what is returned.
    pub(super) fn answering(&self) -> Answering {
        let mut state = self.shared.state.lock();
        state.is_answering = true;
        state.calls = 0;
        Answering(self.clone())
    }

    /// Whether this answer is to end.
    pub(super) fn is_asked(&self) -> bool {
        self.shared.state.lock().calls > 0
    }

    /// Waits until this answer is to end.
    pub(super) async fn asked(&self) {
        loop {
            let asked = self.shared.asked.notified();
            if self.is_asked() {
                return;
            }
            asked.await;
        }
    }

    /// Interrupts the block again and again once the answer is to end, until it
    /// is dropped. A call of [`Stopper::stop`] can come before the turn of the
    /// block has begun, or between two turns of it, and meets neither.
    pub(super) async fn insist(&self) -> Infallible {
        loop {
            self.asked().await;
            {
                let state = self.shared.state.lock();
                if let Some(running) = &state.running {
                    interrupt(running, state.calls);
                }
            }
            tokio::time::sleep(INSISTENCE).await;
        }
    }

    /// A block begins, or is over.
    pub(super) fn runs(&self, running: Option<Interrupter>) {
        self.shared.state.lock().running = running;
    }
}

fn interrupt(running: &Interrupter, calls: u32) {
    // One that does not meet the block is repeated by `insist`.
    let _met = match calls {
        0 => false,
        1 => running.soft(),
        _ => running.hard(),
    };
}

/// An answer that is being made.
pub(super) struct Answering(Stopper);

impl Drop for Answering {
    fn drop(&mut self) {
        *self.0.shared.state.lock() = State::default();
    }
}
