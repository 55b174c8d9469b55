//! One statement, from text to a table.

use super::columns::{Column, Declared, Unfit, table};
use super::database::Scope;
use super::messages;
use super::parameters::{Parameters, Unbound};
use super::statement::{self, NotOne};
use memex_host_tools::{Answer, ToolError};
use rusqlite::Statement;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};

/// What a guest asks.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) text: String,
    pub(super) parameters: Parameters,
    /// Whether a result that is too large is cut instead of refused.
    pub(super) cut: bool,
}

impl Query {
    /// Checks what can be checked without a database, and keeps one statement.
    pub(super) fn checked(mut self, max_bytes: usize) -> Result<Self, ToolError> {
        if self.text.len() > max_bytes {
            return Err(refused(format!(
                "the query has {} bytes, more than {max_bytes}; pass data as params",
                self.text.len()
            )));
        }
        let length = statement::single(&self.text)
            .map_err(|not_one| {
                refused(match not_one {
                    NotOne::Empty => "the query is empty".to_owned(),
                    NotOne::Several => {
                        "one statement at a time: call sql() once for each".to_owned()
                    }
                    NotOne::Nul => {
                        "the query holds a NUL character; pass it as a parameter".to_owned()
                    }
                })
            })?
            .len();
        self.text.truncate(length);
        Ok(self)
    }
}

/// Runs the query.
pub(super) fn run(query: &Query, scope: &Scope<'_>) -> Result<Answer, ToolError> {
    let connection = scope.engine.connection();
    let mut statement = connection
        .prepare(&query.text)
        .map_err(|error| scope.failure(&error, &query.text))?;
    query
        .parameters
        .bind(&mut statement)
        .map_err(|unbound| match unbound {
            Unbound::Refused(refusal) => refusal,
            Unbound::Engine(error) => scope.failure(&error, &query.text),
        })?;
    if statement.column_count() == 0 {
        return change(&mut statement).map_err(|error| scope.failure(&error, &query.text))?;
    }
    rows(query, &mut statement, scope)
}

/// A statement that answers no rows: a table of how many it changed.
fn change(statement: &mut Statement<'_>) -> rusqlite::Result<Result<Answer, ToolError>> {
    let changed = statement.raw_execute()?;
    let mut column = Column::new("rows_changed".to_owned(), Declared::Integer);
    let changed = i64::try_from(changed).unwrap_or(i64::MAX);
    Ok(column
        .push(ValueRef::Integer(changed))
        .map_err(|unfit| ("rows_changed".to_owned(), unfit))
        .and_then(|_| table(vec![column], 1, Map::new()))
        .map_err(|(name, unfit)| misfit(&name, &unfit)))
}

fn rows(
    query: &Query,
    statement: &mut Statement<'_>,
    scope: &Scope<'_>,
) -> Result<Answer, ToolError> {
    let limits = scope.limits;
    if statement.column_count() > limits.columns_max {
        return Err(refused(format!(
            "the result has {} columns, more than {}; name the columns you need",
            statement.column_count(),
            limits.columns_max
        )));
    }
    let mut columns: Vec<Column> = statement
        .columns()
        .map(|column| {
            Column::new(
                column.name().to_owned(),
                Declared::parse(column.decl_type()),
            )
        })
        .collect();
    let mut rows = statement.raw_query();
    let (mut count, mut bytes) = (0_usize, 0_usize);
    let mut cut_at = None;
    while let Some(row) = rows
        .next()
        .map_err(|error| scope.failure(&error, &query.text))?
    {
        if count == limits.rows_max {
            cut_at = Some(format!("{} rows", limits.rows_max));
            break;
        }
        let before = bytes;
        for (index, column) in columns.iter_mut().enumerate() {
            let value = row
                .get_ref(index)
                .map_err(|error| scope.failure(&error, &query.text))?;
            bytes += column
                .push(value)
                .map_err(|unfit| misfit(column.name(), &unfit))?;
            // A row is cut nowhere: it fits, or the whole result is refused.
            if bytes > limits.result_max_bytes
                && (!query.cut || bytes - before > limits.value_max_bytes)
            {
                return Err(too_large(&format!("{} bytes", limits.result_max_bytes)));
            }
        }
        count += 1;
        if bytes > limits.result_max_bytes {
            cut_at = Some(format!("{} bytes", limits.result_max_bytes));
            break;
        }
    }
    let mut attributes = Map::new();
    if !scope.notes.is_empty() {
        attributes.insert("notes".to_owned(), json!(scope.notes));
    }
    if let Some(cap) = cut_at {
        if !query.cut {
            return Err(too_large(&cap));
        }
        attributes.insert("truncated".to_owned(), Value::from(true));
        attributes.insert("truncated_at".to_owned(), json!(cap));
    }
    table(columns, count, attributes).map_err(|(name, unfit)| misfit(&name, &unfit))
}

fn too_large(cap: &str) -> ToolError {
    refused(format!(
        "the result is larger than {cap}; aggregate in the query, select fewer columns, add LIMIT, or pass truncate=True for its beginning"
    ))
}

fn misfit(column: &str, unfit: &Unfit) -> ToolError {
    refused(match unfit {
        Unfit::NotUtf8 => format!(
            "the column {column:?} holds text that is not UTF-8; select CAST({column} AS BLOB) for its bytes"
        ),
        Unfit::Mixed => format!(
            "the column {column:?} mixes bytes or infinities with values of other types; CAST it to one type"
        ),
    })
}

fn refused(message: impl std::fmt::Display) -> ToolError {
    ToolError::new("ValueError", format!("sql: {message}"))
}

impl Scope<'_> {
    fn failure(&self, error: &rusqlite::Error, sql: &str) -> ToolError {
        messages::failure(
            error,
            sql,
            self.database,
            &self.tables(),
            self.engine,
            self.limits,
        )
    }
}
