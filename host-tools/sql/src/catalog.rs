//! What tables there are, by the schema of a connection.

use rusqlite::{Connection, Params, Result, Row};

pub(super) const TABLES: &str = "SELECT name, type FROM sqlite_schema \
    WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT ?";

/// The tables and views, at most `max`.
pub(super) fn table_names(connection: &Connection, max: usize) -> Result<Vec<String>> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    collect(connection, TABLES, [max], |row| row.get(0))
}

/// The columns of a table.
pub(super) fn column_names(connection: &Connection, table: &str) -> Result<Vec<String>> {
    collect(
        connection,
        "SELECT name FROM pragma_table_xinfo(?)",
        [table],
        |row| row.get(0),
    )
}

/// The rows of a query.
pub(super) fn collect<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    connection
        .prepare(sql)?
        .query_map(parameters, read)?
        .collect()
}
