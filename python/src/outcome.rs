//! What a turn came to, for `memex.Result`.

use memex_runtime::{DisplayData, Session, Status};
use memex_sessions::Display;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

/// An outcome. Everything in it that the guest says is as trustworthy as the code
/// that ran.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct Outcome {
    inner: memex_sessions::Outcome,
    displays: Vec<memex_runtime::Display>,
}

impl Outcome {
    pub(crate) fn of(outcome: memex_runtime::Outcome, session: &mut Session) -> Self {
        Self {
            inner: memex_sessions::Outcome::of(&outcome, session),
            displays: outcome.displays,
        }
    }
}

#[pymethods]
impl Outcome {
    #[getter]
    fn turn(&self) -> u64 {
        self.inner.turn
    }

    #[getter]
    fn status(&self) -> &'static str {
        match self.inner.status {
            Status::Ok => "ok",
            Status::Exception => "exception",
            Status::Limit => "limit",
            Status::Refused => "refused",
            Status::Fault => "fault",
        }
    }

    #[getter]
    fn stdout(&self) -> &str {
        &self.inner.stdout
    }

    #[getter]
    fn stderr(&self) -> &str {
        &self.inner.stderr
    }

    #[getter]
    fn text(&self) -> Option<&str> {
        self.inner.value.as_deref()
    }

    /// Class, message and traceback.
    #[getter]
    fn error(&self) -> Option<(&str, &str, &str)> {
        let error = self.inner.error.as_ref()?;
        Some((&error.class, &error.message, &error.traceback))
    }

    /// Name, limit and what was reached.
    #[getter]
    fn limit(&self) -> Option<(&str, u64, u64)> {
        let limit = self.inner.limit.as_ref()?;
        Some((&limit.name, limit.limit, limit.actual))
    }

    #[getter]
    fn rolled_back(&self) -> bool {
        self.inner.rolled_back
    }

    #[getter]
    fn fuel(&self) -> Option<u64> {
        self.inner.fuel
    }

    #[getter]
    fn wall_us(&self) -> u64 {
        self.inner.wall_us
    }

    #[getter]
    fn guest_us(&self) -> u64 {
        self.inner.guest_us
    }

    #[getter]
    fn host_calls(&self) -> u64 {
        self.inner.host_calls
    }

    #[getter]
    fn memory_bytes(&self) -> u64 {
        self.inner.memory_bytes
    }

    #[getter]
    fn dirty_pages(&self) -> u64 {
        self.inner.dirty_pages
    }

    /// For each display whether it is the turn's value, and its content by MIME type.
    #[getter]
    fn displays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for display in &self.displays {
            let forms = PyDict::new(py);
            for (mime, data) in &display.data {
                match data {
                    DisplayData::Text(text) => forms.set_item(mime, text)?,
                    DisplayData::Bytes(bytes) => forms.set_item(mime, PyBytes::new(py, bytes))?,
                }
            }
            list.append((display.main, forms))?;
        }
        Ok(list)
    }

    /// The JSON object of `memex run --json`.
    fn json(&self) -> PyResult<String> {
        let displays = self.displays.iter().map(Display::from).collect();
        let whole = self.inner.clone().with_displays(displays);
        serde_json::to_string(&whole).map_err(|error| PyValueError::new_err(error.to_string()))
    }
}
