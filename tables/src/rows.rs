//! What a reader hands on: columns, then rows, or why not.

use super::value::ValueRef;
use memex_columns::Misstated;
use std::collections::HashSet;

/// Most columns of a table.
pub const COLUMNS_MAX: usize = 2000;

/// Why a file was not loaded. What is said is meant for the guest.
#[derive(Debug)]
pub enum Unloaded {
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

/// A column of a table, before its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name in the file.
    pub name: String,
    /// Its type, in words of SQL: `INTEGER`, `REAL`, `BOOLEAN`, `DATE`, `TIMESTAMP`, `TEXT`, `BLOB`.
    pub declared: &'static str,
}

/// Takes rows, value by value.
pub trait Rows {
    /// Sets the value of a column in the row to come.
    ///
    /// # Errors
    /// Any ends the reading.
    fn set(&mut self, column: usize, value: ValueRef<'_>) -> Result<(), Unloaded>;

    /// Adds the row.
    ///
    /// # Errors
    /// Any ends the reading.
    fn row(&mut self) -> Result<(), Unloaded>;
}

/// Names that differ without case, none of them empty.
#[must_use]
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
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
