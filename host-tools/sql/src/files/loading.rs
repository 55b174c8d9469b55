//! From the rows of a file to a table.

use crate::names::quoted;
use memex_columns::Misstated;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement};
use std::collections::HashSet;
use std::time::Instant;

/// Rows between two looks at the clock.
const CLOCK_ROWS: usize = 1024;
/// Most columns of a table; the engine has no more.
pub(super) const COLUMNS_MAX: usize = 2000;

/// Why a file was not loaded. What is said is meant for the guest.
#[derive(Debug)]
pub(super) enum Unloaded {
    /// The file is not what its ending says, or holds what cannot be a table.
    Content(String),
    /// It takes more than the set may hold.
    TooLarge,
    /// It took too long.
    TooLate,
    /// Something of the host: for its log.
    Host(String),
}

impl From<Misstated> for Unloaded {
    fn from(misstated: Misstated) -> Self {
        match misstated {
            Misstated::Content(reason) => Self::Content(reason),
            Misstated::TooLarge => Self::TooLarge,
            Misstated::TooLate => Self::TooLate,
            Misstated::Host(reason) => Self::Host(reason),
        }
    }
}

impl From<rusqlite::Error> for Unloaded {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::OutOfMemory) => Self::TooLarge,
            Some(ErrorCode::TooBig) => Self::Content("a value is too long".to_owned()),
            _ => Self::Host(error.to_string()),
        }
    }
}

/// A column of a table that is about to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) declared: &'static str,
}

/// Takes rows, value by value.
pub(super) trait Rows {
    /// Sets the value of a column in the row to come.
    fn set(&mut self, column: usize, value: ValueRef<'_>) -> Result<(), Unloaded>;

    /// Adds the row.
    fn row(&mut self) -> Result<(), Unloaded>;
}

/// Takes the rows of one table.
pub(super) struct Loader<'c> {
    insert: Statement<'c>,
    rows: usize,
    deadline: Instant,
}

impl<'c> Loader<'c> {
    /// Creates the table, inside the transaction that `connection` is in.
    pub(super) fn create(
        connection: &'c Connection,
        table: &str,
        plan: &[Plan],
        deadline: Instant,
    ) -> Result<Self, Unloaded> {
        in_time(deadline)?;
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
        connection.execute_batch(&format!("CREATE TABLE {table} ({})", columns.join(", ")))?;
        let marks = vec!["?"; plan.len()].join(", ");
        let insert = connection.prepare(&format!("INSERT INTO {table} VALUES ({marks})"))?;
        Ok(Self {
            insert,
            rows: 0,
            deadline,
        })
    }
}

impl Rows for Loader<'_> {
    fn set(&mut self, column: usize, value: ValueRef<'_>) -> Result<(), Unloaded> {
        let bound = ToSqlOutput::Borrowed(value);
        Ok(self.insert.raw_bind_parameter(column + 1, bound)?)
    }

    fn row(&mut self) -> Result<(), Unloaded> {
        self.insert.raw_execute()?;
        self.rows += 1;
        if self.rows.is_multiple_of(CLOCK_ROWS) {
            in_time(self.deadline)?;
        }
        Ok(())
    }
}

pub(super) fn in_time(deadline: Instant) -> Result<(), Unloaded> {
    if Instant::now() < deadline {
        Ok(())
    } else {
        Err(Unloaded::TooLate)
    }
}

/// Names that differ without case, none of them empty.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    names
        .enumerate()
        .map(|(index, name)| {
            let name = name.trim().replace('\0', "");
            let base = if name.is_empty() {
                format!("column_{}", index + 1)
            } else {
                name
            };
            let numbered = (2..).map(|number| format!("{base}_{number}"));
            std::iter::once(base.clone())
                .chain(numbered)
                .find(|name| taken.insert(name.to_lowercase()))
                .unwrap_or_default()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_made_distinct() {
        let names = ["a", "A", "", "a_2", " ", "b"];
        let distinct = super::distinct(names.into_iter());
        assert_eq!(distinct, ["a", "A_2", "column_3", "a_2_2", "column_5", "b"]);
    }
}
