//! Ctrl-C while the main thread runs a turn.
//!
//! Python's own handler of a signal only sets a flag, which the interpreter looks at
//! when it runs again; the main thread is in the guest meanwhile. But the handler
//! writes the signal's number to a file descriptor as well (`signal.set_wakeup_fd`).
//! While a turn runs, that is a pipe with a thread at its other end, which gives the
//! turn a soft interrupt on SIGINT. Then the turn ends, and the interpreter runs the
//! handler: `KeyboardInterrupt`, unless the program has one of its own.

use std::fs::File;
use std::io::{PipeReader, Read, pipe};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use memex_runtime::Interrupter;
use parking_lot::Mutex;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::getpid;
use rustix::thread::gettid;

use crate::stopping::Stop;

const SIGINT: u8 = 2;
/// Between two tries to interrupt a turn that is about to begin.
const AGAIN: Duration = Duration::from_millis(1);
/// No descriptor, for `set_wakeup_fd`.
const NONE: i32 = -1;

static SET_WAKEUP_FD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static WATCHER: Mutex<Option<Watcher>> = Mutex::new(None);

/// What SIGINT ends.
#[derive(Clone)]
pub(crate) enum Target {
    Turn(Interrupter),
    Run(Stop),
}

impl Target {
    /// Asks it to end; false if it cannot be asked yet.
    fn interrupt(&self) -> bool {
        match self {
            Self::Turn(interrupter) => interrupter.soft(),
            Self::Run(stop) => {
                stop.stop();
                true
            }
        }
    }
}

/// The turns that the main thread runs; more than one while a tool of the outer one
/// runs a session itself.
#[derive(Default)]
struct Targets {
    turns: Vec<(u64, Target)>,
    last: u64,
    /// Signals that came meanwhile, for whoever had the descriptor before.
    numbers: Vec<u8>,
}

/// The pipe, and what its thread looks at.
struct Watcher {
    process: u32,
    writer: File,
    targets: Arc<Mutex<Targets>>,
}

/// Interrupts the turn at hand on SIGINT, for as long as it is not ended.
pub(crate) struct Watch {
    targets: Arc<Mutex<Targets>>,
    number: u64,
    before: i32,
}

impl Watch {
    /// Begins to watch, if this is the main thread: signals are for no other one.
    pub(crate) fn begin(py: Python<'_>, target: impl FnOnce() -> Target) -> PyResult<Option<Self>> {
        if gettid() != getpid() {
            return Ok(None);
        }
        let (descriptor, targets) = watcher()?;
        let Ok(before) = set_wakeup_fd(py, descriptor) else {
            // The interpreter's main thread is another one.
            return Ok(None);
        };
        let number = {
            let mut targets = targets.lock();
            targets.last += 1;
            let number = targets.last;
            targets.turns.push((number, target()));
            number
        };
        Ok(Some(Self {
            targets,
            number,
            before,
        }))
    }

    /// Ends the watch, and passes on what came meanwhile.
    fn end(&self, py: Python<'_>) -> PyResult<()> {
        let numbers = {
            let mut targets = self.targets.lock();
            targets.turns.retain(|(number, _)| *number != self.number);
            std::mem::take(&mut targets.numbers)
        };
        set_wakeup_fd(py, self.before)?;
        if self.before != NONE && !numbers.is_empty() {
            // An event loop waits for it. One that is gone meanwhile does not.
            let os = py.import("os")?;
            let _gone = os.call_method1("write", (self.before, numbers.as_slice()));
        }
        Ok(())
    }
}

impl Drop for Watch {
    /// Also where a panic goes through the turn: no interrupt is left for a later one.
    fn drop(&mut self) {
        let _gone = Python::try_attach(|py| {
            if let Err(error) = self.end(py) {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// What a function raised that nobody waits for.
///
/// It may run on the main thread while a turn or a run ends, and so be what a signal's
/// handler interrupts: then the signal is pending again, for whoever called the turn.
pub(crate) fn unraisable(py: Python<'_>, error: PyErr) {
    let again = error.is_instance_of::<PyKeyboardInterrupt>(py)
        && py
            .import("_thread")
            .and_then(|thread| thread.call_method0("interrupt_main"))
            .is_ok();
    if !again {
        error.write_unraisable(py, None);
    }
}

fn set_wakeup_fd(py: Python<'_>, descriptor: i32) -> PyResult<i32> {
    let set = SET_WAKEUP_FD.get_or_try_init(py, || {
        let signal = py.import("signal")?;
        signal.getattr("set_wakeup_fd").map(Bound::unbind)
    })?;
    set.bind(py).call1((descriptor,))?.extract()
}

fn watcher() -> std::io::Result<(i32, Arc<Mutex<Targets>>)> {
    let mut watcher = WATCHER.lock();
    match watcher.as_ref() {
        Some(known) if known.process == std::process::id() => {
            return Ok((known.writer.as_raw_fd(), Arc::clone(&known.targets)));
        }
        _ => {}
    }
    let (reader, writer) = pipe()?;
    let writer = OwnedFd::from(writer);
    // A handler of signals must not wait.
    let flags = fcntl_getfl(&writer)?;
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK)?;
    let targets = Arc::<Mutex<Targets>>::default();
    let seen = Arc::clone(&targets);
    std::thread::Builder::new()
        .name("memex-signals".into())
        .spawn(move || watch(reader, &seen))?;
    let made = watcher.insert(Watcher {
        process: std::process::id(),
        writer: File::from(writer),
        targets: Arc::clone(&targets),
    });
    Ok((made.writer.as_raw_fd(), targets))
}

/// Ends when the last writer is closed, which is with the process.
fn watch(mut reader: PipeReader, targets: &Mutex<Targets>) {
    let mut bytes = [0; 64];
    while let Ok(count @ 1..) = reader.read(&mut bytes) {
        let numbers = bytes.get(..count).unwrap_or_default();
        let mut target = {
            let mut targets = targets.lock();
            if targets.turns.is_empty() {
                continue;
            }
            targets.numbers.extend_from_slice(numbers);
            targets.turns.last().cloned()
        };
        if !numbers.contains(&SIGINT) {
            continue;
        }
        // A turn that has not begun yet cannot be interrupted; one that is over is
        // taken off the list.
        while let Some((number, interrupted)) = target {
            if interrupted.interrupt() {
                break;
            }
            std::thread::sleep(AGAIN);
            let targets = targets.lock();
            target = targets
                .turns
                .last()
                .filter(|(other, _)| *other == number)
                .cloned();
        }
    }
}
