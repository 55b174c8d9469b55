//! Typed answers: their schema, and the objects that Python makes of them.

use memex_agent::{Check, OutputSchema};
use pyo3::prelude::*;
use serde_json::Value;

use crate::errors::{Class, agent, raise};
use crate::json::Reading;
use crate::tools::from_guest;

/// Reads the schema of an answer, which is JSON.
pub(crate) fn schema_of(py: Python<'_>, json: &str) -> PyResult<OutputSchema> {
    let schema: Value = serde_json::from_str(json)
        .map_err(|error| raise(py, Class::Agent, format!("the output schema: {error}")))?;
    OutputSchema::new(schema).map_err(|error| agent(py, &error))
}

/// Finds out whether agents can be asked for answers of a schema.
#[pyfunction]
pub(crate) fn check_output(py: Python<'_>, schema: &str) -> PyResult<()> {
    schema_of(py, schema).map(drop)
}

/// Has Python make the object of an answer. The function returns why that is not
/// possible, or None when it has kept the object.
pub(crate) struct PythonCheck {
    function: Py<PyAny>,
    table: Py<PyAny>,
}

impl PythonCheck {
    pub(crate) fn new(function: Py<PyAny>, table: Py<PyAny>) -> Self {
        Self { function, table }
    }

    fn made(&self, py: Python<'_>, answer: &Value, parts: &[Vec<u8>]) -> PyResult<Option<String>> {
        let reading = Reading {
            py,
            parts,
            table: self.table.bind(py),
        };
        let answer = reading.value(answer)?;
        self.function.call1(py, (answer,))?.extract(py)
    }
}

impl Check for PythonCheck {
    fn check(&self, answer: &Value, parts: &[Vec<u8>]) -> Result<(), String> {
        // A model hands in from deep in a guest.
        let made = from_guest(|py| {
            let made = self.made(py, answer, parts);
            made.map_err(|error| error.value(py).to_string())
        });
        match made {
            Some(Ok(None)) => Ok(()),
            Some(Ok(Some(reason)) | Err(reason)) => Err(reason),
            None => Err("the program ends".to_owned()),
        }
    }
}
