//! A table and its columns.

use super::number_type::NumberType;
use crate::Error;
use bytes::Bytes;
use serde_json::Value;

/// The key of a JSON object that stands for a table.
pub const TABLE_KEY: &str = "$table";
/// Most rows of a table.
pub const TABLE_ROWS_MAX: usize = u32::MAX as usize;

/// Columns of equal length: a pandas DataFrame in the guest.
///
/// As the argument or the result of a typed tool it crosses the channel as
/// binary columns. Cloning is cheap: columns are shared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
}

/// A named column. Made by a builder or by one of the functions here.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub(super) name: String,
    pub(super) rows: usize,
    pub(super) values: Values,
    pub(super) valid: Option<Bytes>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Numbers or booleans.
    Number(NumberType),
    /// Microseconds since 1970.
    Timestamp {
        /// Whether they are in UTC; else in an unknown zone.
        utc: bool,
    },
    /// Days since 1970-01-01.
    Date,
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// Any JSON.
    Json,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    Numbers { kind: NumberType, data: Bytes },
    Timestamps { data: Bytes, utc: bool },
    Dates { data: Bytes },
    Separated { data: Bytes, separator: u8 },
    Ends { data: Bytes, ends: Bytes },
    Dictionary { codes: Bytes, values: Vec<String> },
    Binary { data: Bytes, ends: Bytes },
    Json { values: Vec<Value> },
}

impl Table {
    /// A table of `columns`.
    ///
    /// # Errors
    /// When they differ in length, two have the same name, or there are more
    /// than [`TABLE_ROWS_MAX`] rows.
    pub fn new(columns: Vec<Column>) -> Result<Self, Error> {
        let rows = columns.first().map_or(0, |column| column.rows);
        if rows > TABLE_ROWS_MAX {
            return Err(Error::NotATable {
                reason: format!("it has {rows} rows, more than {TABLE_ROWS_MAX}"),
            });
        }
        let mut names = std::collections::HashSet::new();
        for column in &columns {
            if column.rows != rows {
                let reason = format!("it has {} rows where others have {rows}", column.rows);
                return Err(column.error(reason));
            }
            if !names.insert(column.name.as_str()) {
                return Err(column.error("an earlier column has this name; give it another"));
            }
        }
        drop(names);
        Ok(Self { rows, columns })
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Column {
    /// Numbers or booleans whose little-endian bytes are there already.
    ///
    /// # Errors
    /// When `data` is no whole number of values.
    pub fn from_le_bytes(
        name: impl Into<String>,
        kind: NumberType,
        data: impl Into<Bytes>,
    ) -> Result<Self, Error> {
        let data = data.into();
        let column = Self {
            name: name.into(),
            rows: data.len() / kind.size_bytes(),
            values: Values::Numbers { kind, data },
            valid: None,
        };
        let whole = column.rows * kind.size_bytes();
        match &column.values {
            Values::Numbers { data, .. } if data.len() != whole => Err(column.error(format!(
                "{} bytes are no whole number of {} values",
                data.len(),
                kind.name()
            ))),
            _ => Ok(column),
        }
    }

    /// Any JSON; null is a missing value.
    pub fn json(name: impl Into<String>, values: Vec<Value>) -> Self {
        Self {
            name: name.into(),
            rows: values.len(),
            values: Values::Json { values },
            valid: None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many values it has, missing ones included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What it holds.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        match &self.values {
            Values::Numbers { kind, .. } => ColumnType::Number(*kind),
            Values::Timestamps { utc, .. } => ColumnType::Timestamp { utc: *utc },
            Values::Dates { .. } => ColumnType::Date,
            Values::Separated { .. } | Values::Ends { .. } | Values::Dictionary { .. } => {
                ColumnType::Text
            }
            Values::Binary { .. } => ColumnType::Binary,
            Values::Json { .. } => ColumnType::Json,
        }
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> Error {
        Error::Table {
            column: self.name.clone(),
            reason: reason.into(),
        }
    }
}
