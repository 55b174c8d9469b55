//! Between JSON and the objects of Python.

use bytes::Bytes;
use memex_host_tools::Table;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};
use std::collections::BTreeSet;

/// How deep values lie in each other, as in the arguments of tools.
const DEPTH_MAX: usize = 100;
/// What stands for bytes and for tables (`docs/dispatcher.md`).
const PART: &str = "$part";
const TABLE: &str = "$table";

/// The numbers of the parts that a table names.
fn parts_of(table: &Value) -> BTreeSet<usize> {
    let columns = table.get("columns").and_then(Value::as_array);
    (columns.into_iter().flatten())
        .filter_map(Value::as_object)
        .flat_map(|column| column.values())
        .filter_map(Value::as_u64)
        .filter_map(|number| usize::try_from(number).ok())
        .collect()
}

/// Reads arguments of a call.
pub(crate) struct Reading<'a, 'py> {
    pub(crate) py: Python<'py>,
    pub(crate) parts: &'a [Vec<u8>],
    /// Makes a DataFrame of a table's description and the parts.
    pub(crate) table: &'a Bound<'py, PyAny>,
}

impl<'py> Reading<'_, 'py> {
    /// The object that a value stands for.
    pub(crate) fn value(&self, value: &Value) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        Ok(match value {
            Value::Null => py.None().into_bound(py),
            Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
            Value::Number(number) => self.number(number)?,
            Value::String(text) => PyString::new(py, text).into_any(),
            Value::Array(items) => {
                let list = PyList::empty(py);
                for item in items {
                    list.append(self.value(item)?)?;
                }
                list.into_any()
            }
            Value::Object(fields) => self.object(fields)?,
        })
    }

    fn number(&self, number: &Number) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        if let Some(number) = number.as_i64() {
            return Ok(number.into_pyobject(py)?.into_any());
        }
        if let Some(number) = number.as_u64() {
            return Ok(number.into_pyobject(py)?.into_any());
        }
        Ok(PyFloat::new(py, number.as_f64().unwrap_or(f64::NAN)).into_any())
    }

    fn object(&self, fields: &Map<String, Value>) -> PyResult<Bound<'py, PyAny>> {
        if fields.len() == 1 {
            if let Some(number) = fields.get(PART).and_then(Value::as_u64) {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let part = self.parts.get(number);
                let part = part.ok_or_else(|| PyValueError::new_err("a binary part is missing"))?;
                return Ok(PyBytes::new(self.py, part).into_any());
            }
            if let Some(table) = fields.get(TABLE) {
                return self.table(fields, table);
            }
        }
        self.fields(fields).map(Bound::into_any)
    }

    /// The DataFrame of a table, which is checked to be what it says before any of
    /// it is unpacked.
    fn table(&self, fields: &Map<String, Value>, table: &Value) -> PyResult<Bound<'py, PyAny>> {
        let named = parts_of(table);
        let of_table = |number: &usize| named.contains(number);
        let bytes: Vec<Bytes> = (self.parts.iter().enumerate())
            .map(|(number, part)| match of_table(&number) {
                true => Bytes::copy_from_slice(part),
                false => Bytes::new(),
            })
            .collect();
        Table::decode(&Value::Object(fields.clone()), &bytes)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let none = self.py.None();
        let parts = (self.parts.iter().enumerate()).map(|(number, part)| match of_table(&number) {
            true => PyBytes::new(self.py, part).into_any(),
            false => none.bind(self.py).clone(),
        });
        let parts = PyList::new(self.py, parts)?;
        let plain = Reading {
            parts: &[],
            ..*self
        };
        self.table.call1((plain.value(table)?, parts))
    }

    /// The dictionary of a JSON object.
    pub(crate) fn fields(&self, fields: &Map<String, Value>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(self.py);
        for (name, value) in fields {
            dict.set_item(name, self.value(value)?)?;
        }
        Ok(dict)
    }
}

/// The dictionary of a JSON object, in which bytes and tables stay what stands for them.
pub(crate) fn plain<'py>(
    py: Python<'py>,
    fields: &Map<String, Value>,
) -> PyResult<Bound<'py, PyAny>> {
    let text = Value::Object(fields.clone()).to_string();
    py.import("json")?.call_method1("loads", (text,))
}

/// The JSON of an object that is made of nothing else than JSON has.
///
/// # Errors
/// `TypeError`, `ValueError` or `OverflowError` for anything else.
pub(crate) fn written(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    written_at(value, 0)
}

fn written_at(value: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if depth > DEPTH_MAX {
        return Err(PyValueError::new_err(format!(
            "nested more than {DEPTH_MAX} levels deep, or contains itself"
        )));
    }
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str().map_err(|_| {
            PyValueError::new_err("a text with lone surrogates, which are no characters")
        })?;
        return Ok(Value::String(text.to_owned()));
    }
    if value.is_instance_of::<PyInt>() {
        return integer(value);
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        let number = Number::from_f64(value.value());
        let number = number.ok_or_else(|| {
            PyValueError::new_err("a float that is no number, which JSON has no form for; use None")
        })?;
        return Ok(Value::Number(number));
    }
    if let Ok(items) = value.cast::<PyList>() {
        let items = items.iter().map(|item| written_at(&item, depth + 1));
        return Ok(Value::Array(items.collect::<PyResult<_>>()?));
    }
    if let Ok(items) = value.cast::<PyTuple>() {
        let items = items.iter().map(|item| written_at(&item, depth + 1));
        return Ok(Value::Array(items.collect::<PyResult<_>>()?));
    }
    if let Ok(fields) = value.cast::<PyDict>() {
        return object(fields, depth);
    }
    let kind = value.get_type().qualname()?;
    Err(PyTypeError::new_err(format!(
        "a value of type {kind}, which JSON has no form for"
    )))
}

fn integer(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(number) = value.extract::<i64>() {
        return Ok(Value::from(number));
    }
    if let Ok(number) = value.extract::<u64>() {
        return Ok(Value::from(number));
    }
    Err(PyOverflowError::new_err(
        "an integer of more than 64 bits; pass it as text",
    ))
}

fn object(fields: &Bound<'_, PyDict>, depth: usize) -> PyResult<Value> {
    let mut made = Map::new();
    for (name, value) in fields.iter() {
        let name = name
            .cast::<PyString>()
            .map_err(|_| PyTypeError::new_err("a dictionary with keys that are not texts"))?;
        made.insert(name.to_str()?.to_owned(), written_at(&value, depth + 1)?);
    }
    Ok(Value::Object(made))
}
