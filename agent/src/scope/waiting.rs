//! A turn that there is no session for here: what calls of tools wait with.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use memex_channel::{TurnHandle, Waited};
use parking_lot::{Condvar, Mutex};

use crate::cancellation::Stop;

/// Wakes a wait, or gives it up.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    rings: u64,
    is_given_up: bool,
}

/// Waits on a bell.
pub(crate) struct Waiting {
    bell: Arc<Bell>,
}

impl Bell {
    /// Waits are to be waited out again.
    pub(crate) fn begin(&self) {
        self.rung.lock().is_given_up = false;
    }

    /// Ends waits, those under way and those to come.
    pub(crate) fn give_up(&self) {
        self.rung.lock().is_given_up = true;
        self.changed.notify_all();
    }
}

impl Stop for Bell {
    fn stop(&self, _hard: bool) {
        self.give_up();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.lock().rings += 1;
        self.changed.notify_all();
    }
}

impl Waiting {
    pub(crate) fn on(bell: &Arc<Bell>) -> Self {
        Self {
            bell: Arc::clone(bell),
        }
    }
}

impl TurnHandle for Waiting {
    fn waker(&self) -> Waker {
        Arc::clone(&self.bell).into()
    }

    fn wait(&self, until: Option<Instant>, ready: &mut dyn FnMut() -> bool) -> Waited {
        loop {
            let before = self.bell.rung.lock().rings;
            if ready() {
                return Waited::Ready;
            }
            let mut rung = self.bell.rung.lock();
            while rung.rings == before {
                if rung.is_given_up {
                    return Waited::Interrupted;
                }
                match until {
                    None => self.bell.changed.wait(&mut rung),
                    Some(until) if Instant::now() >= until => return Waited::Due,
                    Some(until) => {
                        self.bell.changed.wait_until(&mut rung, until);
                    }
                }
            }
        }
    }
}
