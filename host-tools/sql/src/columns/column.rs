//! One column, built value by value.

use super::text::{Text, push_end};
use super::unfit::Unfit;
use rusqlite::types::ValueRef;
use serde_json::Value;

/// The largest integer up to which every one is exact as a float.
const EXACT_MAX: u64 = 1 << 53;

/// What a column is declared as, as far as it decides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declared {
    Bool,
    Bytes,
    Date,
    Float,
    Integer,
    Text,
    Timestamp,
    Unknown,
}

impl Declared {
    /// Reads a declared type by SQLite's rules of affinity, dates and booleans
    /// first.
    pub(crate) fn parse(declared: Option<&str>) -> Self {
        let upper = declared.unwrap_or_default().to_ascii_uppercase();
        let has = |part: &str| upper.contains(part);
        if has("BOOL") {
            Self::Bool
        } else if has("DATETIME") || has("TIMESTAMP") {
            Self::Timestamp
        } else if upper == "DATE" {
            Self::Date
        } else if has("INT") {
            Self::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") {
            Self::Bytes
        } else if has("REAL") || has("FLOA") || has("DOUB") || has("NUMERIC") || has("DECIMAL") {
            Self::Float
        } else {
            Self::Unknown
        }
    }
}

pub(super) enum Store {
    /// Nothing but NULL so far.
    Empty,
    /// Little-endian `i64`.
    Integer(Vec<u8>),
    /// Little-endian `f64`.
    Float(Vec<u8>),
    Text(Text),
    Bytes {
        data: Vec<u8>,
        ends: Vec<u8>,
    },
    Mixed(Vec<Value>),
}

/// One column of a result under construction.
pub(crate) struct Column {
    pub(super) name: String,
    pub(super) declared: Declared,
    pub(super) rows: usize,
    /// One byte a row, once there is a NULL.
    pub(super) valid: Option<Vec<u8>>,
    pub(super) store: Store,
}

impl Column {
    pub(crate) fn new(name: String, declared: Declared) -> Self {
        Self {
            name,
            declared,
            rows: 0,
            valid: None,
            store: Store::Empty,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Adds a value, and says how many bytes it takes on the way to the guest.
    #[inline]
    pub(crate) fn push(&mut self, value: ValueRef<'_>) -> Result<usize, Unfit> {
        let bytes = match (&mut self.store, value) {
            (Store::Integer(data), ValueRef::Integer(value)) => {
                data.extend_from_slice(&value.to_le_bytes());
                8
            }
            (Store::Float(data), ValueRef::Real(value)) => {
                data.extend_from_slice(&value.to_le_bytes());
                8
            }
            (Store::Text(text), ValueRef::Text(value)) => {
                text.push(value)?;
                value.len() + 4
            }
            (_, ValueRef::Null) => return Ok(self.push_null()),
            (_, value) => self.push_other(value)?,
        };
        self.rows += 1;
        if let Some(valid) = &mut self.valid {
            valid.push(1);
        }
        Ok(bytes)
    }

    fn push_null(&mut self) -> usize {
        let rows = self.rows;
        self.valid.get_or_insert_with(|| vec![1; rows]).push(0);
        self.rows += 1;
        match &mut self.store {
            Store::Empty => {}
            Store::Integer(data) => data.extend_from_slice(&[0; 8]),
            Store::Float(data) => data.extend_from_slice(&f64::NAN.to_le_bytes()),
            Store::Text(text) => text.push_null(),
            Store::Bytes { data, ends } => push_end(ends, data.len()),
            Store::Mixed(values) => values.push(Value::Null),
        }
        9
    }

    /// Adds a value that is not of the type the column has so far.
    #[cold]
    fn push_other(&mut self, value: ValueRef<'_>) -> Result<usize, Unfit> {
        match (&mut self.store, value) {
            (Store::Empty, value) => self.begin(value),
            (Store::Bytes { data, ends }, ValueRef::Blob(value)) => {
                data.extend_from_slice(value);
                push_end(ends, data.len());
                Ok(value.len() + 4)
            }
            (Store::Float(data), ValueRef::Integer(value)) if exact(value) => {
                data.extend_from_slice(&(value as f64).to_le_bytes());
                Ok(8)
            }
            (Store::Integer(data), ValueRef::Real(value)) if all_exact(data) => {
                let mut data = widened(data, self.valid.as_deref());
                data.extend_from_slice(&value.to_le_bytes());
                self.store = Store::Float(data);
                Ok(8)
            }
            (Store::Mixed(values), value) => {
                let (value, bytes) = json(value)?;
                values.push(value);
                Ok(bytes)
            }
            (_, value) => {
                let (value, bytes) = json(value)?;
                let mut values = self.as_json()?;
                values.push(value);
                self.store = Store::Mixed(values);
                Ok(bytes + self.rows.saturating_mul(size_of::<Value>()))
            }
        }
    }

    /// Takes the type of the first value; the rows before it are NULL.
    fn begin(&mut self, value: ValueRef<'_>) -> Result<usize, Unfit> {
        let rows = self.rows;
        let (store, bytes) = match value {
            ValueRef::Null => (Store::Empty, 1),
            ValueRef::Integer(value) => {
                let mut data = vec![0; rows.saturating_mul(8)];
                data.extend_from_slice(&value.to_le_bytes());
                (Store::Integer(data), 8)
            }
            ValueRef::Real(value) => {
                let mut data = f64::NAN.to_le_bytes().repeat(rows);
                data.extend_from_slice(&value.to_le_bytes());
                (Store::Float(data), 8)
            }
            ValueRef::Text(value) => {
                let mut text = Text::with_nulls(rows);
                text.push(value)?;
                (Store::Text(text), value.len() + 4)
            }
            ValueRef::Blob(value) => {
                let mut ends = vec![0; rows.saturating_mul(4)];
                push_end(&mut ends, value.len());
                let data = value.to_vec();
                (Store::Bytes { data, ends }, value.len() + 4)
            }
        };
        self.store = store;
        Ok(bytes)
    }

    fn as_json(&self) -> Result<Vec<Value>, Unfit> {
        let mut values: Vec<Value> = match &self.store {
            Store::Empty => vec![Value::Null; self.rows],
            Store::Integer(data) => words(data)
                .map(i64::from_le_bytes)
                .map(Value::from)
                .collect(),
            Store::Float(data) => words(data)
                .map(f64::from_le_bytes)
                .map(|value| {
                    if value.is_infinite() {
                        Err(Unfit::Mixed)
                    } else {
                        Ok(Value::from(value))
                    }
                })
                .collect::<Result<_, _>>()?,
            Store::Text(text) => text.to_json()?,
            Store::Bytes { .. } => return Err(Unfit::Mixed),
            Store::Mixed(values) => values.clone(),
        };
        if let Some(valid) = &self.valid {
            for (value, valid) in values.iter_mut().zip(valid) {
                if *valid == 0 {
                    *value = Value::Null;
                }
            }
        }
        Ok(values)
    }
}

/// The eight-byte values of a buffer.
pub(super) fn words(data: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    data.as_chunks::<8>().0.iter().copied()
}

fn exact(value: i64) -> bool {
    value.unsigned_abs() <= EXACT_MAX
}

fn all_exact(data: &[u8]) -> bool {
    words(data).map(i64::from_le_bytes).all(exact)
}

/// Integers as floats, and NaN in the places of NULL.
fn widened(data: &[u8], valid: Option<&[u8]>) -> Vec<u8> {
    let mut valid = valid.unwrap_or_default().iter();
    let float = |word| match valid.next() {
        Some(0) => f64::NAN,
        _ => i64::from_le_bytes(word) as f64,
    };
    words(data).map(float).flat_map(f64::to_le_bytes).collect()
}

fn json(value: ValueRef<'_>) -> Result<(Value, usize), Unfit> {
    const BOXED: usize = size_of::<Value>();
    match value {
        ValueRef::Null => Ok((Value::Null, BOXED)),
        ValueRef::Integer(value) => Ok((Value::from(value), BOXED)),
        ValueRef::Real(value) if value.is_infinite() => Err(Unfit::Mixed),
        ValueRef::Real(value) => Ok((Value::from(value), BOXED)),
        ValueRef::Text(value) => {
            let text = std::str::from_utf8(value).map_err(|_| Unfit::NotUtf8)?;
            Ok((Value::from(text), BOXED + text.len()))
        }
        ValueRef::Blob(_) => Err(Unfit::Mixed),
    }
}
