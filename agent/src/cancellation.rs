//! Stopping a run from outside.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use memex_runtime::Interrupter;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// How often an interrupt is repeated that was asked for.
const INSISTENCE: Duration = Duration::from_millis(10);

/// Stops a run, and the runs that it spawned: requests to models are dropped,
/// turns are interrupted. Cheap to clone; clones stop the same run.
#[derive(Debug, Clone, Default)]
pub struct Cancellation {
    token: CancellationToken,
    turn: Arc<Mutex<Turn>>,
}

/// What stopping met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// Nothing was being answered.
    Idle,
    /// The model was writing: it is over at once.
    Model,
    /// Code was running: it is asked to end.
    Code,
    /// It had been asked before: it is ended.
    Forced,
}

/// Whatever is under way, to be interrupted from another thread.
pub trait Stop: Send + Sync {
    /// Interrupts it; the second time hard.
    fn stop(&self, hard: bool);
}

#[derive(Default)]
struct Turn {
    stop: Option<Arc<dyn Stop>>,
    presses: u32,
    /// As many as the run may spawn agents.
    children: Vec<Cancellation>,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn")
            .field("under_way", &self.stop.is_some())
            .field("presses", &self.presses)
            .finish_non_exhaustive()
    }
}

impl Cancellation {
    /// A cancellation that was not requested.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the run after the turn that is under way, which is interrupted:
    /// softly the first time, hard from the second on.
    pub fn cancel(&self) {
        self.stop();
    }

    /// As [`cancel`](Self::cancel); says what that met.
    pub(crate) fn stop(&self) -> Stopping {
        self.token.cancel();
        let mut turn = self.turn.lock();
        let hard = turn.presses > 0;
        turn.presses = turn.presses.saturating_add(1);
        if let Some(stop) = &turn.stop {
            stop.stop(hard);
        }
        for child in &turn.children {
            child.cancel();
        }
        match (&turn.stop, hard) {
            (_, true) => Stopping::Forced,
            (Some(_), false) => Stopping::Code,
            (None, false) => Stopping::Model,
        }
    }

    /// Whether it was used.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// One for a child: stopped with this one, and by itself.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self {
            token: self.token.child_token(),
            turn: Arc::default(),
        };
        self.turn.lock().children.push(child.clone());
        child
    }

    /// Done when it is used.
    pub(crate) async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// Does what `stop` can end, and ends it so when this is used. None if it
    /// was used before.
    pub fn during<T>(&self, stop: Arc<dyn Stop>, work: impl FnOnce() -> T) -> Option<T> {
        self.watch(stop);
        let done = (!self.is_cancelled()).then(work);
        self.unwatch();
        done
    }

    /// Once this is used, interrupts what is under way again and again, as hard
    /// as it was last asked to, until it is dropped. An interrupt can come before
    /// the turn of a block has begun, or between two turns of it, and meets
    /// neither.
    pub(crate) async fn insist(&self) -> Infallible {
        self.cancelled().await;
        loop {
            self.repeat();
            tokio::time::sleep(INSISTENCE).await;
        }
    }

    fn repeat(&self) {
        let turn = self.turn.lock();
        // Between the token and its press nothing was asked for yet.
        if let (Some(stop), 1..) = (&turn.stop, turn.presses) {
            stop.stop(turn.presses > 1);
        }
    }

    /// Interrupts what is under way, softly, and does not stop the run.
    pub(crate) fn interrupt(&self) {
        if let Some(stop) = &self.turn.lock().stop {
            stop.stop(false);
        }
    }

    /// From here on, `stop` interrupts the current work. A cancellation that
    /// was requested before is passed to it immediately.
    pub(crate) fn watch(&self, stop: Arc<dyn Stop>) {
        let mut turn = self.turn.lock();
        if self.token.is_cancelled() {
            stop.stop(turn.presses > 1);
        }
        turn.stop = Some(stop);
    }

    /// Nothing is under way.
    pub(crate) fn unwatch(&self) {
        self.turn.lock().stop = None;
    }
}

impl Stop for Interrupter {
    fn stop(&self, hard: bool) {
        // An interrupt that meets no turn is lost; the run looks for itself.
        let _met = match hard {
            true => self.hard(),
            false => self.soft(),
        };
    }
}
