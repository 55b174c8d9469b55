//! From the rows of a file to a table of the database.

use crate::names::quoted;
use memex_tables::{Bounds, COLUMNS_MAX, Plan, Rows, Unloaded, ValueRef, distinct};
use rusqlite::types::{self, ToSqlOutput};
use rusqlite::{Connection, ErrorCode, Statement};

/// Rows between two looks at the clock.
const CLOCK_ROWS: usize = 1024;

/// Why the database did not take a table.
pub(super) fn untaken(error: rusqlite::Error) -> Unloaded {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::OutOfMemory) => Unloaded::TooLarge,
        Some(ErrorCode::TooBig) => Unloaded::Content("a value is too long".to_owned()),
        _ => Unloaded::Host(error.to_string()),
    }
}

/// A value as the engine takes it.
pub(super) fn engine_value(value: ValueRef<'_>) -> types::ValueRef<'_> {
    match value {
        ValueRef::Null => types::ValueRef::Null,
        ValueRef::Integer(value) => types::ValueRef::Integer(value),
        ValueRef::Real(value) => types::ValueRef::Real(value),
        ValueRef::Text(value) => types::ValueRef::Text(value),
        ValueRef::Blob(value) => types::ValueRef::Blob(value),
    }
}

/// Takes the rows of one table.
pub(super) struct Loader<'c> {
    insert: Statement<'c>,
    rows: usize,
    bounds: Bounds,
}

impl<'c> Loader<'c> {
    /// Creates the table, inside the transaction that `connection` is in.
    pub(super) fn create(
        connection: &'c Connection,
        table: &str,
        plan: &[Plan],
        bounds: &Bounds,
    ) -> Result<Self, Unloaded> {
        bounds.in_time()?;
        if plan.is_empty() {
            return Err(Unloaded::Content("it has no columns".to_owned()));
        }
        if plan.len() > COLUMNS_MAX {
            let message = format!("it has {} columns, more than {COLUMNS_MAX}", plan.len());
            return Err(Unloaded::Content(message));
        }
        let names = distinct(plan.iter().map(|column| column.name.as_str()));
        let columns: Vec<String> = names
            .iter()
            .zip(plan)
            .map(|(name, column)| format!("{} {}", quoted(name), column.declared))
            .collect();
        let table = quoted(table);
        let create = format!("CREATE TABLE {table} ({})", columns.join(", "));
        connection.execute_batch(&create).map_err(untaken)?;
        let marks = vec!["?"; plan.len()].join(", ");
        let insert = format!("INSERT INTO {table} VALUES ({marks})");
        let insert = connection.prepare(&insert).map_err(untaken)?;
        Ok(Self {
            insert,
            rows: 0,
            bounds: *bounds,
        })
    }
}

impl Rows for Loader<'_> {
    fn set(&mut self, column: usize, value: ValueRef<'_>) -> Result<(), Unloaded> {
        let bound = ToSqlOutput::Borrowed(engine_value(value));
        let bound = self.insert.raw_bind_parameter(column + 1, bound);
        bound.map_err(untaken)
    }

    fn row(&mut self) -> Result<(), Unloaded> {
        self.insert.raw_execute().map_err(untaken)?;
        self.rows += 1;
        if self.rows.is_multiple_of(CLOCK_ROWS) {
            self.bounds.in_time()?;
        }
        Ok(())
    }
}
