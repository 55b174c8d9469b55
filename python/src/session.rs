//! One interpreter, as Python holds it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use memex_host_tools::{ClientAnswer, ClientCall};
use memex_runtime::{GuestError, Interrupter};
use memex_sessions::{at_turn, load, open_store};
use parking_lot::{Mutex, MutexGuard};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::errors::{Class, assembling, raise, runtime};
use crate::json::Reading;
use crate::owned::Owned;
use crate::parts::{Made, Parts};
use crate::signals::{Target, Watch};
use crate::sink::Listener;
use crate::snapshot::{Snapshot, waiting_bytes};
use crate::tools::answered;
use crate::turns::{Fault, Step, Turns};

/// A session. One thread at a time uses it; a second is told that it is busy.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct Session {
    inner: Owned<Inner>,
}

struct Inner {
    parts: Arc<Parts>,
    /// None when it is closed.
    turns: Mutex<Option<Turns>>,
    interrupter: Interrupter,
    listener: Listener,
    name: String,
}

/// The record of a saved turn: number, status, first line, time in milliseconds.
type TurnRecord = (u64, String, String, u64);

impl Session {
    pub(crate) fn new(parts: Arc<Parts>, (turns, name, listener): Made) -> Self {
        Self {
            inner: Owned::new(Inner {
                parts,
                interrupter: turns.interrupter(),
                turns: Mutex::new(Some(turns)),
                listener,
                name,
            }),
        }
    }
}

impl Inner {
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Option<Turns>>> {
        self.turns.try_lock().ok_or_else(|| {
            raise(
                py,
                Class::SessionBusy,
                "the session runs a turn already; a session runs one turn at a time, \
                 so wait for it, or use a fork or another session",
            )
        })
    }

    fn open<'a>(&self, py: Python<'_>, turns: &'a mut Option<Turns>) -> PyResult<&'a mut Turns> {
        turns.as_mut().ok_or_else(|| {
            raise(
                py,
                Class::Closed,
                "the session is closed; make another one with Sandbox.session()",
            )
        })
    }

    /// Does a part of a turn with the interpreter's lock released and Ctrl-C watched.
    fn advance(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Turns) -> Result<Step, Fault> + Send,
    ) -> PyResult<Step> {
        let mut guard = self.lock(py)?;
        let turns = self.open(py, &mut guard)?;
        let watch = Watch::begin(py, || Target::Turn(self.interrupter.clone()))?;
        let step = py.detach(|| work(turns));
        drop(guard);
        drop(watch);
        py.check_signals()?;
        step.map_err(|fault| fault.raised(py))
    }

    fn seen<'py>(&self, py: Python<'py>, step: Step) -> PyResult<Bound<'py, PyAny>> {
        match step {
            Step::Done(outcome) => Ok(Bound::new(py, *outcome)?.into_any()),
            Step::Waiting(calls) => {
                let calls = calls.iter().map(|call| seen_call(py, call));
                let calls = calls.collect::<PyResult<Vec<_>>>()?;
                Ok(PyList::new(py, calls)?.into_any())
            }
        }
    }
}

#[pymethods]
impl Session {
    /// The name that tools are called with.
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.inner.get(py)?.name.clone())
    }

    /// Runs a block to its end, or until it waits for the client: an outcome, or a
    /// list of calls.
    fn start<'py>(&self, py: Python<'py>, code: &str) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner.get(py)?;
        let step = inner.advance(py, |turns| turns.start(code))?;
        inner.seen(py, step)
    }

    /// Answers calls, each `(id, "value", json, parts)` or `(id, "error", class,
    /// message)`, and goes on with the turn.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        answers: Vec<(String, String, Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner.get(py)?;
        let read = answers.iter().map(|(id, kind, first, second)| {
            let answer = match kind.as_str() {
                "value" => match answered(first, second) {
                    Ok(answer) => ClientAnswer::Value(answer),
                    Err(error) => {
                        let message = format!("the answer to {id:?}: {}", error.message);
                        return Err(raise(py, Class::Answer, message));
                    }
                },
                _ => ClientAnswer::Error {
                    class: first.extract()?,
                    message: second.extract()?,
                },
            };
            Ok((id.clone(), answer))
        });
        let answers = read.collect::<PyResult<Vec<_>>>()?;
        let step = inner.advance(py, |turns| turns.answer(answers))?;
        inner.seen(py, step)
    }

    /// Gives up the turn that waits: its outcome, or none if it was rolled back.
    fn cancel<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let inner = self.inner.get(py)?;
        let mut guard = inner.lock(py)?;
        let turns = inner.open(py, &mut guard)?;
        let step = py.detach(|| turns.cancel());
        drop(guard);
        let step = step.map_err(|fault| fault.raised(py))?;
        step.map(|step| inner.seen(py, step)).transpose()
    }

    /// The turn that waits, as bytes for another process; it goes on waiting here.
    fn hibernate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let inner = self.inner.get(py)?;
        let mut guard = inner.lock(py)?;
        let turns = inner.open(py, &mut guard)?;
        let saved = py.detach(|| turns.save());
        let saved = saved.map_err(|fault| fault.raised(py))?;
        let bytes = waiting_bytes(&saved);
        let bytes = bytes.map_err(|error| raise(py, Class::Memex, error.to_string()))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The calls that wait for an answer.
    fn open_calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner.get(py)?;
        let mut guard = inner.lock(py)?;
        let calls = inner.open(py, &mut guard)?.open_calls();
        inner.seen(py, Step::Waiting(calls))
    }

    /// A variable, packed: `(bytes, None)`, or `(None, (class, message))`.
    #[allow(clippy::type_complexity)]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: String,
    ) -> PyResult<(Option<Bound<'py, PyBytes>>, Option<(String, String)>)> {
        let got = self.between(py, move |session| session.get(&name))?;
        Ok(match got.map_err(|error| runtime(py, &error))? {
            Ok(bytes) => (Some(PyBytes::new(py, &bytes)), None),
            Err(error) => (None, Some(said(error))),
        })
    }

    /// Binds a variable to a packed value; or says class and message of why not.
    fn set(
        &self,
        py: Python<'_>,
        name: String,
        value: PyBackedBytes,
    ) -> PyResult<Option<(String, String)>> {
        let put = self.between(py, move |session| session.set(&name, &value))?;
        let put = put.map_err(|error| runtime(py, &error))?;
        Ok(put.err().map(said))
    }

    /// Asks the guest about its scope, in JSON (`docs/dispatcher.md`).
    fn inspect(&self, py: Python<'_>, request: String) -> PyResult<Option<String>> {
        let answer = self.between(py, move |session| session.inspect(&request))?;
        answer.map_err(|error| runtime(py, &error))
    }

    /// The state now.
    fn snapshot(&self, py: Python<'_>) -> PyResult<Snapshot> {
        let taken = self.between(py, |session| {
            let sandbox = session.sandbox().clone();
            session.snapshot().map(|snapshot| (sandbox, snapshot))
        })?;
        let (sandbox, snapshot) = taken.map_err(|error| runtime(py, &error))?;
        Ok(Snapshot::new(sandbox, snapshot))
    }

    /// Goes back to a state; returns the files that were open then and are gone.
    fn rewind(&self, py: Python<'_>, snapshot: &Snapshot) -> PyResult<Vec<String>> {
        let snapshot = snapshot.inner.get(py)?.1.clone();
        let lost = self.between(py, move |session| session.rewind(&snapshot))?;
        let lost = lost.map_err(|error| runtime(py, &error))?;
        Ok(lost.into_iter().map(|file| file.path).collect())
    }

    /// Sessions in this one's state, with random generators of their own.
    fn fork(&self, py: Python<'_>, count: usize) -> PyResult<Vec<Self>> {
        let inner = self.inner.get(py)?;
        let most = inner.parts.resolved.policy().limits.live_sessions;
        if count as u64 > most {
            let message = format!("{count} forks are more than the {most} sessions that may live");
            return Err(raise(py, Class::Session, message));
        }
        let mut guard = inner.lock(py)?;
        let turns = inner.open(py, &mut guard)?;
        let forks = py.detach(|| inner.parts.forks(turns, count));
        let forks = forks.map_err(|fault| fault.raised(py))?;
        let forks = forks.into_iter();
        Ok(forks
            .map(|made| Self::new(Arc::clone(&inner.parts), made))
            .collect())
    }

    /// The saved turns, newest first; none of a session that is not saved.
    #[pyo3(signature = (store=None))]
    fn records(&self, py: Python<'_>, store: Option<&str>) -> PyResult<Option<Vec<TurnRecord>>> {
        let inner = self.inner.get(py)?;
        let mut guard = inner.lock(py)?;
        let Some(saved) = inner.open(py, &mut guard)?.saved() else {
            return Ok(None);
        };
        let read = py.detach(|| -> Result<Vec<TurnRecord>, memex_sessions::Error> {
            let opened = open_store(store, &inner.parts.host)?;
            let Some(head) = opened.session(saved.name())? else {
                return Ok(Vec::new());
            };
            let records = opened.trail(&head.snapshot)?.into_iter();
            Ok(records
                .map(|record| {
                    let time = record.time_unix_ms;
                    (record.turn, record.status, record.first_line, time)
                })
                .collect())
        });
        read.map(Some).map_err(|error| assembling(py, &error))
    }

    /// The snapshot of a saved turn.
    #[pyo3(signature = (turn, store=None))]
    fn saved_turn(&self, py: Python<'_>, turn: u64, store: Option<&str>) -> PyResult<Snapshot> {
        let inner = self.inner.get(py)?;
        let mut guard = inner.lock(py)?;
        let turns = inner.open(py, &mut guard)?;
        // One that goes on may be on another image than new ones.
        let sandbox = turns.with(|session| session.sandbox().clone());
        let sandbox = sandbox.map_err(|fault| fault.raised(py))?;
        let Some(saved) = turns.saved() else {
            let message = "the session is not saved by name";
            return Err(raise(py, Class::Session, message));
        };
        let loaded = py.detach(|| -> Result<_, memex_sessions::Error> {
            let opened = open_store(store, &inner.parts.host)?;
            let record = at_turn(opened.as_ref(), saved.name(), turn)?;
            Ok(load(opened.as_ref(), &record.id, &sandbox)?.0)
        });
        let snapshot = loaded.map_err(|error| assembling(py, &error))?;
        Ok(Snapshot::new(sandbox, snapshot))
    }

    /// Has output passed to a function as it comes, or to nobody.
    fn listen(&self, py: Python<'_>, function: Option<Py<PyAny>>) -> PyResult<()> {
        self.inner.get(py)?.listener.set(function);
        Ok(())
    }

    /// Raises `KeyboardInterrupt` in the turn that runs; says whether there is one.
    fn interrupt(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.inner.get(py)?.interrupter.soft())
    }

    /// Ends the session. A turn that runs in another thread is ended first, which may
    /// take so many seconds: a tool of this process cannot be stopped.
    fn close(&self, py: Python<'_>, patience_s: f64) -> PyResult<()> {
        let inner = self.inner.get(py)?;
        let patience = Duration::try_from_secs_f64(patience_s).unwrap_or(CLOSING);
        let until = Instant::now().checked_add(patience);
        let closed = py.detach(|| {
            loop {
                if let Some(mut turns) = inner.turns.try_lock_for(CLOSING) {
                    return Some(turns.take());
                }
                let _ran = inner.interrupter.hard();
                if until.is_none_or(|until| Instant::now() >= until) {
                    return None;
                }
            }
        });
        let Some(closed) = closed else {
            let message = "the session cannot be closed: it runs a turn whose tool does not return; \
                           a tool must not close the session that calls it";
            return Err(raise(py, Class::SessionBusy, message));
        };
        py.detach(|| drop(closed));
        Ok(())
    }

    /// Whether [`Session::close`] was called.
    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        let turns = &self.inner.get(py)?.turns;
        Ok(turns.try_lock().is_some_and(|turns| turns.is_none()))
    }
}

/// Between two tries to end a turn that runs.
const CLOSING: Duration = Duration::from_millis(20);

impl Session {
    fn between<R: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut memex_runtime::Session) -> R + Send + 'static,
    ) -> PyResult<R> {
        let inner = self.inner.get(py)?;
        let mut guard = inner.lock(py)?;
        let turns = inner.open(py, &mut guard)?;
        let done = py.detach(|| turns.with(work));
        done.map_err(|fault| fault.raised(py))
    }
}

fn said(error: GuestError) -> (String, String) {
    (error.class, error.message)
}

/// A call as `(id, tool, arguments, is_held)`.
fn seen_call<'py>(
    py: Python<'py>,
    call: &ClientCall,
) -> PyResult<(String, String, Bound<'py, PyDict>, bool)> {
    let table = py.import("memex._values")?.getattr("table")?;
    let reading = Reading {
        py,
        parts: &call.arguments.parts,
        table: &table,
    };
    let arguments = reading.fields(&call.arguments.json)?;
    Ok((call.id.clone(), call.tool.clone(), arguments, call.is_held))
}
