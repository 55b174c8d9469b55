//! Errors of the engine, in words for the guest: what is wrong, where, and what
//! there is instead. Never a path of the host.

use super::catalog;
use super::engine::Engine;
use super::limits::SqlLimits;
use super::statement::words;
use memex_host_tools::ToolError;
use rusqlite::{Error, ErrorCode};
use std::fmt::Write;

/// Names offered in place of one that does not exist.
const SUGGESTIONS_MAX: usize = 5;
/// Names listed when none is close.
const LISTED_MAX: usize = 40;
const CLOSE_ENOUGH: f64 = 0.75;

/// What the guest is told when `sql` failed on `database`.
pub(super) fn failure(
    error: &Error,
    sql: &str,
    database: &str,
    tables: &[String],
    engine: &Engine,
    limits: &SqlLimits,
) -> ToolError {
    if let Some(reason) = engine.refused() {
        return ToolError::new("PermissionError", format!("sql: {reason}"));
    }
    // Names that do not exist come with a place or without.
    let (msg, offset) = match error {
        Error::SqlInputError { msg, offset, .. } => (msg, *offset),
        Error::SqliteFailure(code, Some(msg)) if code.code == ErrorCode::Unknown => (msg, -1),
        _ => return plain(error, database, limits),
    };
    let mut message = format!("sql: {msg}{}", place(sql, offset));
    if let Some(name) = msg.strip_prefix("no such table: ") {
        let name = name.strip_prefix("main.").unwrap_or(name);
        message.push_str(&instead("tables", name, tables));
    } else if let Some(name) = msg.strip_prefix("no such column: ") {
        let name = name.rsplit('.').next().unwrap_or(name);
        let mentioned = words(sql);
        let columns: Vec<String> = tables
            .iter()
            .filter(|table| mentioned.contains(&table.to_ascii_lowercase()))
            .flat_map(|table| catalog::column_names(engine.connection(), table).unwrap_or_default())
            .collect();
        message.push_str(&instead("columns", name, &columns));
    }
    ToolError::new("ValueError", message)
}

/// What the guest is told of an error that has nothing to do with its text.
pub(super) fn plain(error: &Error, database: &str, limits: &SqlLimits) -> ToolError {
    let (class, message) = match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => return timeout(limits),
        Some(ErrorCode::DatabaseCorrupt) => (
            "OSError",
            format!("the database {database:?} is damaged: {error}"),
        ),
        Some(ErrorCode::NotADatabase) => (
            "OSError",
            format!("the database {database:?} is damaged or no SQLite database"),
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied) => (
            "OSError",
            format!("the database {database:?} cannot be opened or read now"),
        ),
        Some(ErrorCode::ReadOnly) => (
            "PermissionError",
            format!("the database {database:?} is read-only"),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            "TimeoutError",
            format!("the database {database:?} is locked by another program; try again later"),
        ),
        Some(ErrorCode::TooBig) => (
            "ValueError",
            format!(
                "a text, blob or row is longer than {} bytes; take a part with substr()",
                limits.value_max_bytes
            ),
        ),
        Some(ErrorCode::OutOfMemory) => (
            "MemoryError",
            "the query needs more memory than it may use; sort, group or join fewer rows"
                .to_owned(),
        ),
        _ => match error {
            Error::SqliteFailure(_, Some(text)) => ("ValueError", text.clone()),
            other => ("ValueError", other.to_string()),
        },
    };
    ToolError::new(class, format!("sql: {message}"))
}

/// The statement ran out of time.
pub(super) fn timeout(limits: &SqlLimits) -> ToolError {
    ToolError::new(
        "TimeoutError",
        format!(
            "sql: the statement was stopped after {} s; filter earlier, or aggregate less at once",
            limits.statement_timeout.as_secs_f64()
        ),
    )
}

/// ` (line 1, column 8)`, where SQLite says where.
fn place(sql: &str, offset: i32) -> String {
    let before = usize::try_from(offset)
        .ok()
        .and_then(|offset| sql.get(..offset));
    let Some(before) = before else {
        return String::new();
    };
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!(" (line {line}, column {column})")
}

/// A hint of what there is instead of `name`.
pub(super) fn instead(kind: &str, name: &str, known: &[String]) -> String {
    let lower = name.to_ascii_lowercase();
    let mut close: Vec<(f64, &String)> = known
        .iter()
        .map(|other| {
            (
                strsim::jaro_winkler(&lower, &other.to_ascii_lowercase()),
                other,
            )
        })
        .filter(|(likeness, _)| *likeness >= CLOSE_ENOUGH)
        .collect();
    close.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut hint = String::new();
    if close.is_empty() {
        let listed: Vec<&str> = known.iter().take(LISTED_MAX).map(String::as_str).collect();
        if !listed.is_empty() {
            let more = if known.len() > listed.len() {
                ", …"
            } else {
                ""
            };
            // Writing to a String cannot fail.
            let _ = write!(hint, "\nthe {kind} are: {}{more}", listed.join(", "));
        }
    } else {
        let names = close
            .iter()
            .take(SUGGESTIONS_MAX)
            .map(|(_, name)| name.as_str());
        let _ = write!(
            hint,
            "\ndid you mean {}?",
            names.collect::<Vec<_>>().join(", ")
        );
    }
    hint
}
