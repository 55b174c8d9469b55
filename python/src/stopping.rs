//! Ending runs from outside: softly first, hard when that does not help.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;

/// How long a run has to end after it was asked to; then it is ended.
const GRACE: Duration = Duration::from_secs(1);
/// Between two tries after that: an interrupt can come between two turns and meet none.
const AGAIN: Duration = Duration::from_millis(50);

/// Stops a run. Cheap to clone; clones stop the same one.
#[pyclass(frozen, from_py_object, module = "memex._memex")]
#[derive(Clone, Default)]
pub(crate) struct Stop {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Asks the run to end; none before it begins and after it is over.
    press: Option<Arc<dyn Fn() + Send + Sync>>,
    is_asked: bool,
    is_over: bool,
}

#[pymethods]
impl Stop {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Ends the run, soon. Also a run that has not begun yet.
    pub(crate) fn stop(&self) {
        let press = {
            let mut state = self.shared.state.lock();
            if state.is_over || std::mem::replace(&mut state.is_asked, true) {
                return;
            }
            state.press.clone()
        };
        if let Some(press) = press {
            self.insist(press);
        }
    }

    /// Whether it was asked to end.
    #[getter]
    fn asked(&self) -> bool {
        self.shared.state.lock().is_asked
    }
}

impl Stop {
    /// A run begins that `press` asks to end, the second time hard.
    pub(crate) fn begin(&self, press: impl Fn() + Send + Sync + 'static) -> Running {
        let press: Arc<dyn Fn() + Send + Sync> = Arc::new(press);
        let asked = {
            let mut state = self.shared.state.lock();
            state.press = Some(Arc::clone(&press));
            state.is_asked
        };
        if asked {
            self.insist(press);
        }
        Running(self.clone())
    }

    fn insist(&self, press: Arc<dyn Fn() + Send + Sync>) {
        press();
        let shared = Arc::clone(&self.shared);
        let insisting = move || {
            let mut wait = GRACE;
            let mut state = shared.state.lock();
            while !state.is_over {
                if shared.changed.wait_for(&mut state, wait).timed_out() {
                    let press = state.press.clone();
                    parking_lot::MutexGuard::unlocked(&mut state, || {
                        if let Some(press) = press {
                            press();
                        }
                    });
                    wait = AGAIN;
                }
            }
        };
        // Without a thread it was asked once, which is enough for most.
        let _thread = std::thread::Builder::new()
            .name("memex-stop".into())
            .spawn(insisting);
    }
}

/// A run that can be stopped, for as long as this lives.
pub(crate) struct Running(Stop);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.shared.state.lock();
        state.is_over = true;
        state.press = None;
        drop(state);
        self.0.shared.changed.notify_all();
    }
}
