//! Records of runs, and the formats that they go to other programs in.

use std::path::PathBuf;

use memex_trajectories::formats::{self, Format};
use memex_trajectories::spans::{SpanOptions, to_otlp_line};
use memex_trajectories::{Error, report};
use pyo3::prelude::*;

use crate::errors::{Class, raise};

/// A record.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct Trajectory {
    inner: memex_trajectories::Trajectory,
}

impl Trajectory {
    pub(crate) fn new(inner: memex_trajectories::Trajectory) -> Self {
        Self { inner }
    }

    pub(crate) fn cloned(&self) -> memex_trajectories::Trajectory {
        self.inner.clone()
    }
}

#[pymethods]
impl Trajectory {
    /// The runs in a file of any of the formats.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Vec<Self>> {
        let read = py.detach(|| -> Result<Vec<_>, Error> {
            if let Ok(loaded) = memex_trajectories::load(&path) {
                return Ok(vec![loaded.trajectory]);
            }
            let runs = formats::open(&path)?;
            runs.map(|run| run.map(|run| run.trajectory)).collect()
        });
        let read = read.map_err(|error| raised(py, &error))?;
        Ok(read.into_iter().map(Self::new).collect())
    }

    /// The whole record as one JSON object.
    fn json(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(&self.inner)
            .map_err(|error| raise(py, Class::Trajectory, error.to_string()))
    }

    /// The text of a format: `memex`, `atif`, `chat`, `rollout`, `otlp` or `html`.
    fn export(&self, py: Python<'_>, format: &str, content: bool) -> PyResult<String> {
        let format = match format {
            "memex" => Format::Native,
            "atif" => Format::Atif,
            "chat" => Format::Chat,
            "rollout" => Format::Rollout,
            "html" => {
                let runs = std::slice::from_ref(&self.inner);
                return Ok(py.detach(|| report::report(&self.inner.task, runs)));
            }
            "otlp" => {
                let line = py.detach(|| to_otlp_line(&self.inner, SpanOptions { content }));
                return line.map_err(|error| raised(py, &error));
            }
            other => {
                let message = format!(
                    "there is no format {other:?}; there are memex, atif, chat, rollout, otlp and html"
                );
                return Err(raise(py, Class::Trajectory, message));
            }
        };
        let written = py.detach(|| {
            let mut text = Vec::new();
            let runs = std::slice::from_ref(&self.inner);
            formats::write(format, runs, "the trajectory", &mut text).map(|()| text)
        });
        let text = written.map_err(|error| raised(py, &error))?;
        String::from_utf8(text).map_err(|error| raise(py, Class::Trajectory, error.to_string()))
    }
}

fn raised(py: Python<'_>, error: &Error) -> PyErr {
    raise(py, Class::Trajectory, error.to_string())
}
