//! Tools that are Python functions.
//!
//! The function that Python gives for a tool takes the session's name, the arguments
//! and a `LaterAnswer`, and never raises; `memex/_calls.py` makes it. It returns
//! - `("value", json, parts)`: the result,
//! - `("error", class, message, detail)`: the exception that the guest gets,
//! - `("later", cancel)`: the answer comes by the `LaterAnswer`; `cancel()` is
//!   called when nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::json::{Reading, written};
use crate::signals::unraisable;

/// What Python says of a tool.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct ToolDefinition {
    pub(crate) spec: ToolSpec,
    function: Option<Py<PyAny>>,
    table: Py<PyAny>,
}

#[pymethods]
impl ToolDefinition {
    /// `parameters` and `returns` are JSON schemas as texts; without a function it is
    /// a client tool. `table` makes a DataFrame of a table and its parts.
    #[new]
    #[pyo3(signature = (name, description, parameters, returns, timeout_s, function, table))]
    fn new(
        name: String,
        description: String,
        parameters: &str,
        returns: Option<&str>,
        timeout_s: Option<f64>,
        function: Option<Py<PyAny>>,
        table: Py<PyAny>,
    ) -> PyResult<Self> {
        let schema = |text: &str| -> PyResult<Value> {
            serde_json::from_str(text).map_err(|error| {
                PyValueError::new_err(format!("the schema of {name} is no JSON: {error}"))
            })
        };
        let timeout = timeout_s.map(Duration::try_from_secs_f64).transpose();
        let timeout = timeout.map_err(|error| {
            PyValueError::new_err(format!("the timeout of {name} cannot be used: {error}"))
        })?;
        let spec = ToolSpec {
            parameters: schema(parameters)?,
            returns: returns.map(schema).transpose()?,
            name,
            description,
            timeout,
        };
        Ok(Self {
            spec,
            function,
            table,
        })
    }
}

impl ToolDefinition {
    /// Whether the client answers its calls.
    pub(crate) fn is_client(&self) -> bool {
        self.function.is_none()
    }

    /// The tool.
    pub(crate) fn tool(&self, py: Python<'_>) -> Arc<dyn Tool> {
        match &self.function {
            None => Arc::new(memex_host_tools::client_tool(self.spec.clone())),
            Some(function) => Arc::new(PythonTool(Arc::new(Function {
                spec: self.spec.clone(),
                function: function.clone_ref(py),
                table: self.table.clone_ref(py),
            }))),
        }
    }
}

/// Whether Python must not run on a session's own thread.
///
/// The guest's frames need a stack that is not the thread's own, and a call of a tool
/// stands on top of them. From 3.14 on the interpreter measures its depth by addresses
/// of the thread's own stack, and takes another one for an overflow.
static APART: AtomicBool = AtomicBool::new(false);

/// The first version that measures so.
const MEASURES_ADDRESSES: (u8, u8) = (3, 14);

/// Decides where tools run, for this version of Python.
pub(crate) fn prepare(py: Python<'_>) {
    APART.store(py.version_info() >= MEASURES_ADDRESSES, Ordering::Relaxed);
}

/// Has tools and listeners run on threads of their own, whatever the version: for
/// tests of that.
#[pyfunction]
pub(crate) fn run_apart(apart: bool) {
    APART.store(apart, Ordering::Relaxed);
}

/// Calls Python from a thread that may be deep in a guest.
pub(crate) fn from_guest<R: Send>(work: impl FnOnce(Python<'_>) -> R + Send) -> Option<R> {
    if !APART.load(Ordering::Relaxed) {
        return Python::try_attach(work);
    }
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| Python::try_attach(work));
        thread.join().ok().flatten()
    })
}

/// A tool that is a Python function.
struct PythonTool(Arc<Function>);

struct Function {
    spec: ToolSpec,
    function: Py<PyAny>,
    table: Py<PyAny>,
}

/// What a call came to, as far as it is known.
enum Begun {
    Ended(Result<Answer, ToolError>),
    Later(Waiting),
}

/// The call of an async function, which is cancelled when this is dropped first.
struct Waiting {
    answer: oneshot::Receiver<Result<Answer, ToolError>>,
    cancel: Option<Py<PyAny>>,
}

impl Waiting {
    async fn answer(mut self) -> Result<Answer, ToolError> {
        let answer = (&mut self.answer).await;
        // There is nothing left to cancel.
        let _function = self.cancel.take();
        answer.unwrap_or_else(|_| Err(lost()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(cancel) = self.cancel.take() {
            // At the interpreter's exit there is nothing to cancel any more.
            let _gone = from_guest(move |py| {
                if let Err(error) = cancel.call0(py) {
                    unraisable(py, error);
                }
            });
        }
    }
}

impl Tool for PythonTool {
    fn spec(&self) -> &ToolSpec {
        &self.0.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        if APART.load(Ordering::Relaxed) {
            let function = Arc::clone(&self.0);
            let begun =
                tokio::task::spawn_blocking(move || function.call(&context.session, &arguments));
            return Box::pin(async move {
                match begun.await {
                    Ok(Begun::Ended(ended)) => ended,
                    Ok(Begun::Later(waiting)) => waiting.answer().await,
                    Err(_) => Err(lost()),
                }
            });
        }
        // A function that is not async runs here, on the session's own thread, which
        // is the one that called `run`.
        match self.0.call(&context.session, &arguments) {
            Begun::Ended(ended) => Box::pin(std::future::ready(ended)),
            Begun::Later(waiting) => Box::pin(waiting.answer()),
        }
    }
}

impl Function {
    fn call(&self, session: &str, arguments: &Arguments) -> Begun {
        let begun = Python::try_attach(|py| {
            self.begin(py, session, arguments)
                .unwrap_or_else(|error| Begun::Ended(Err(failure(py, &self.spec.name, &error))))
        });
        begun.unwrap_or_else(|| Begun::Ended(Err(lost())))
    }

    fn begin(&self, py: Python<'_>, session: &str, arguments: &Arguments) -> PyResult<Begun> {
        let reading = Reading {
            py,
            parts: &arguments.parts,
            table: self.table.bind(py),
        };
        let given = reading.fields(&arguments.json)?;
        let (sender, answer) = oneshot::channel();
        let later = LaterAnswer::new(&self.spec.name, sender);
        let function = self.function.bind(py);
        let ended = function.call1((session, given, Bound::new(py, later)?))?;
        let ended = ended.cast_into::<PyTuple>().map_err(PyErr::from)?;
        let kind: String = ended.get_item(0)?.extract()?;
        Ok(match kind.as_str() {
            "value" => Begun::Ended(answered(&ended.get_item(1)?, &ended.get_item(2)?)),
            "later" => Begun::Later(Waiting {
                answer,
                cancel: Some(ended.get_item(1)?.unbind()),
            }),
            _ => {
                let (class, message, detail): (String, String, String) = (
                    ended.get_item(1)?.extract()?,
                    ended.get_item(2)?.extract()?,
                    ended.get_item(3)?.extract()?,
                );
                Begun::Ended(Err(ToolError::named(&class, message).with_detail(detail)))
            }
        })
    }
}

/// Where the answer of an async function goes.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct LaterAnswer {
    tool: String,
    sender: Mutex<Option<oneshot::Sender<Result<Answer, ToolError>>>>,
}

#[pymethods]
impl LaterAnswer {
    /// The result.
    fn value(&self, json: &Bound<'_, PyAny>, parts: &Bound<'_, PyAny>) {
        self.send(answered(json, parts));
    }

    /// The exception that the guest gets.
    fn error(&self, class: &str, message: String, detail: String) {
        self.send(Err(ToolError::named(class, message).with_detail(detail)));
    }

    fn __repr__(&self) -> String {
        format!("<the answer of {}>", self.tool)
    }
}

impl LaterAnswer {
    /// The answer of a call of `tool`.
    pub(crate) fn new(tool: &str, sender: oneshot::Sender<Result<Answer, ToolError>>) -> Self {
        Self {
            tool: tool.to_owned(),
            sender: Mutex::new(Some(sender)),
        }
    }

    fn send(&self, ended: Result<Answer, ToolError>) {
        if let Some(sender) = self.sender.lock().take() {
            // Nobody waits for the call of a turn that is over.
            let _gone = sender.send(ended);
        }
    }
}

/// An answer of JSON-like objects and binary parts.
pub(crate) fn answered(
    json: &Bound<'_, PyAny>,
    parts: &Bound<'_, PyAny>,
) -> Result<Answer, ToolError> {
    let read = || -> PyResult<Answer> {
        let parts = parts.cast::<PyList>().map_err(PyErr::from)?;
        let parts = parts.iter().map(|part| bytes_of(&part));
        Ok(Answer {
            json: written(json)?,
            parts: parts.collect::<PyResult<_>>()?,
        })
    };
    read().map_err(|error| {
        let py = json.py();
        ToolError::new(
            "TypeError",
            format!("the result cannot be handed over: {}", error.value(py)),
        )
    })
}

fn bytes_of(part: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = part.cast::<pyo3::types::PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    // Views and arrays have a method for it.
    part.call_method0("tobytes")
        .or_else(|_| {
            let bytes = part.py().get_type::<pyo3::types::PyBytes>();
            bytes.call1((part,))
        })?
        .extract()
}

fn failure(py: Python<'_>, tool: &str, error: &PyErr) -> ToolError {
    ToolError::new(
        "RuntimeError",
        format!("{tool}: the call could not be made"),
    )
    .with_detail(error.value(py).to_string())
}

fn lost() -> ToolError {
    ToolError::new(
        "ConnectionAbortedError",
        "the function's task was dropped before it answered",
    )
}
