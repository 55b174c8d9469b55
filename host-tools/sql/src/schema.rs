//! What a database holds: tables, columns, keys, samples.

use super::catalog::{TABLES, collect, column_names};
use super::database::Scope;
use super::messages;
use super::names::quoted;
use memex_host_tools::{Answer, ToolError};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Result};
use serde_json::{Map, Value, json};

/// Rows shown of a table.
const SAMPLE_ROWS: usize = 5;
/// Longest text shown in a sample.
const SAMPLE_MAX_CHARS: usize = 200;
/// Up to here rows are counted; beyond, their number is estimated.
const COUNTED_MAX: i64 = 1_000_000;
/// Rows that are counted for a list of all tables; the numbers of further tables are estimated.
const LISTED_COUNTED_MAX: i64 = 2_000_000;

/// One object for every table and view.
pub(super) fn list(scope: &Scope<'_>) -> std::result::Result<Vec<Value>, ToolError> {
    let connection = scope.engine.connection();
    let max = scope.limits.tables_max;
    let listed = || -> Result<Vec<Value>> {
        // One more than the bound shows that there are more.
        let bound = i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1);
        let tables: Vec<(String, String)> = collect(connection, TABLES, [bound], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let mut left = LISTED_COUNTED_MAX;
        tables
            .into_iter()
            .map(|(name, kind)| {
                // A view or a virtual table may be broken, which is no reason to hide the others.
                let columns = column_names(connection, &name).ok();
                let rows = match row_count(connection, &name, &kind, left.min(COUNTED_MAX)) {
                    Ok((rows, _)) => rows,
                    Err(error) if is_interrupted(&error) => return Err(error),
                    Err(_) => None,
                };
                left = left.saturating_sub(rows.unwrap_or_default()).max(0);
                let references: Vec<String> = foreign_keys(connection, &name)
                    .unwrap_or_default()
                    .into_iter()
                    .map(ForeignKey::line)
                    .collect();
                Ok(json!({
                    "database": scope.database,
                    "table": name,
                    "kind": kind,
                    "rows": rows,
                    "columns": columns,
                    "references": references,
                }))
            })
            .collect()
    };
    let tables = listed().map_err(|error| failure(scope, &error))?;
    if tables.len() > max {
        let message = format!(
            "list_tables: there are more than {max} tables; use sql(\"SELECT name FROM sqlite_schema WHERE name LIKE '…'\")"
        );
        return Err(ToolError::new("ValueError", message));
    }
    Ok(tables)
}

/// Everything about one table.
pub(super) fn describe(scope: &Scope<'_>, table: &str) -> std::result::Result<Answer, ToolError> {
    let tables = scope.tables();
    let Some(table) = tables
        .iter()
        .find(|known| known.eq_ignore_ascii_case(table))
    else {
        let hint = messages::instead("tables", table, &tables);
        let message = format!("describe_table: there is no table {table:?}{hint}");
        return Err(ToolError::new("ValueError", message));
    };
    described(scope, table)
        .map(Answer::json)
        .map_err(|error| failure(scope, &error))
}

fn failure(scope: &Scope<'_>, error: &rusqlite::Error) -> ToolError {
    messages::failure(error, "", scope.database, &[], scope.engine, scope.limits)
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

fn described(scope: &Scope<'_>, table: &str) -> Result<Value> {
    let connection = scope.engine.connection();
    let kind: String = connection.query_row(
        "SELECT type FROM sqlite_schema WHERE name = ? AND type IN ('table', 'view')",
        [table],
        |row| row.get(0),
    )?;
    let columns: Vec<Value> = collect(
        connection,
        "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1",
        [table],
        |row| {
            let key: i64 = row.get(4)?;
            Ok(json!({
                "name": row.get::<_, String>(0)?,
                "type": row.get::<_, String>(1)?,
                "nullable": row.get::<_, i64>(2)? == 0 && key == 0,
                "default": row.get::<_, Option<String>>(3)?,
                "primary_key": key > 0,
            }))
        },
    )?;
    let foreign_keys: Vec<Value> = foreign_keys(connection, table)?
        .into_iter()
        .map(|key| {
            json!({
                "column": key.column,
                "references_table": key.table,
                "references_column": key.to,
            })
        })
        .collect();
    let mut indexes = Vec::new();
    let found: Vec<(String, bool)> = collect(
        connection,
        "SELECT name, \"unique\" FROM pragma_index_list(?) ORDER BY seq",
        [table],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (name, unique) in found {
        let of = "SELECT name FROM pragma_index_info(?) ORDER BY seqno";
        let columns: Vec<Option<String>> = collect(connection, of, [&name], |row| row.get(0))?;
        indexes.push(json!({ "name": name, "unique": unique, "columns": columns }));
    }
    let (rows, estimated) = row_count(connection, table, &kind, COUNTED_MAX)?;
    Ok(json!({
        "database": scope.database,
        "table": table,
        "kind": kind,
        "rows": rows,
        "rows_estimated": estimated,
        "columns": columns,
        "foreign_keys": foreign_keys,
        "indexes": indexes,
        "sample": sample(connection, table)?,
        "notes": scope.notes,
    }))
}

/// A column that refers to one of another table.
struct ForeignKey {
    column: String,
    table: String,
    /// None: the primary key.
    to: Option<String>,
}

impl ForeignKey {
    /// `customer_id → customers.id`.
    fn line(self) -> String {
        match self.to {
            Some(to) => format!("{} → {}.{to}", self.column, self.table),
            None => format!("{} → {}", self.column, self.table),
        }
    }
}

fn foreign_keys(connection: &Connection, table: &str) -> Result<Vec<ForeignKey>> {
    collect(
        connection,
        "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?) ORDER BY id, seq",
        [table],
        |row| {
            Ok(ForeignKey {
                column: row.get(0)?,
                table: row.get(1)?,
                to: row.get(2)?,
            })
        },
    )
}

/// How many rows there are, counted up to `most`, and whether that is an estimate. Unknown
/// for views, which may be as costly as any query.
fn row_count(
    connection: &Connection,
    table: &str,
    kind: &str,
    most: i64,
) -> Result<(Option<i64>, bool)> {
    if kind != "table" {
        return Ok((None, false));
    }
    let table = quoted(table);
    let counted: i64 = connection.query_row(
        &format!(
            "SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {})",
            most.saturating_add(1)
        ),
        [],
        |row| row.get(0),
    )?;
    if counted <= most {
        return Ok((Some(counted), false));
    }
    // A table without row numbers has no cheap estimate.
    let highest = connection.query_row(&format!("SELECT max(rowid) FROM {table}"), [], |row| {
        row.get(0)
    });
    Ok((Some(highest.unwrap_or(counted).max(counted)), true))
}

fn sample(connection: &Connection, table: &str) -> Result<Vec<Value>> {
    let sql = format!("SELECT * FROM {} LIMIT {SAMPLE_ROWS}", quoted(table));
    let mut statement = connection.prepare(&sql)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    let mut sample = Vec::new();
    while let Some(row) = rows.next()? {
        let mut shown = Map::new();
        for (index, name) in names.iter().enumerate() {
            shown.insert(name.clone(), brief(row.get_ref(index)?));
        }
        sample.push(Value::Object(shown));
    }
    Ok(sample)
}

/// A value short enough to be shown.
fn brief(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::from(value),
        ValueRef::Real(value) => serde_json::Number::from_f64(value)
            .map_or_else(|| Value::from(value.to_string()), Value::Number),
        ValueRef::Blob(bytes) => Value::from(format!("<{} bytes>", bytes.len())),
        ValueRef::Text(bytes) => {
            // Four bytes hold any character.
            let head = bytes
                .get(..bytes.len().min(SAMPLE_MAX_CHARS * 4))
                .unwrap_or_default();
            let text = String::from_utf8_lossy(head);
            match text.char_indices().nth(SAMPLE_MAX_CHARS) {
                None => Value::from(text),
                Some((end, _)) => Value::from(format!("{}…", text.get(..end).unwrap_or_default())),
            }
        }
    }
}
