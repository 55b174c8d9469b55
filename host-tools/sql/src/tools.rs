//! The three tools.

use super::database::{Database, Source};
use super::databases::Databases;
use super::parameters::Parameters;
use super::query::{self, Query};
use super::{schema, statement};
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// What the broker adds to a statement's own timeout, so that the guest hears
/// of the statement.
const TIMEOUT_MARGIN: Duration = Duration::from_secs(2);

impl Databases {
    /// The tools: `sql`, `list_tables` and `describe_table`.
    #[must_use]
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        vec![
            tool(self, sql_spec(self), sql),
            tool(self, list_spec(self), list_tables),
            tool(self, describe_spec(self), describe_table),
        ]
    }
}

type Run = fn(Databases, CallContext, Arguments) -> ToolFuture;

struct SqlTool {
    databases: Databases,
    spec: ToolSpec,
    run: Run,
}

fn tool(databases: &Databases, spec: ToolSpec, run: Run) -> Arc<dyn Tool> {
    let databases = databases.clone();
    Arc::new(SqlTool {
        databases,
        spec,
        run,
    })
}

impl Tool for SqlTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        (self.run)(self.databases.clone(), context, arguments)
    }
}

fn sql(databases: Databases, context: CallContext, arguments: Arguments) -> ToolFuture {
    Box::pin(async move {
        let Arguments { mut json, parts } = arguments;
        let database = databases.pick(text(&json, "database")?)?;
        let text = required(&json, "query")?.to_owned();
        let cut = json
            .get("truncate")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let values = json.remove("params").unwrap_or_default();
        let parameters = Parameters { values, parts };
        let query = Query {
            text,
            parameters,
            cut,
        };
        let query = query.checked(databases.limits.query_max_bytes)?;
        let mentioned = statement::words(&query.text);
        database
            .run(&context, mentioned, move |scope| query::run(&query, scope))
            .await
    })
}

fn list_tables(databases: Databases, context: CallContext, arguments: Arguments) -> ToolFuture {
    Box::pin(async move {
        let asked: Vec<Arc<Database>> = match text(&arguments.json, "database")? {
            Some(name) => vec![databases.pick(Some(name))?],
            None => databases.all.to_vec(),
        };
        let mut tables = Vec::new();
        for database in asked {
            let of_one = Arc::clone(&database).run(&context, HashSet::new(), move |scope| {
                match database.source() {
                    Source::File { .. } => schema::list(scope),
                    Source::Set(set) => set.list(scope.database),
                }
            });
            tables.extend(of_one.await?);
        }
        Ok(Answer::json(Value::Array(tables)))
    })
}

fn describe_table(databases: Databases, context: CallContext, arguments: Arguments) -> ToolFuture {
    Box::pin(async move {
        let database = databases.pick(text(&arguments.json, "database")?)?;
        let table = required(&arguments.json, "table")?.to_owned();
        let mentioned = HashSet::from([table.to_ascii_lowercase()]);
        database
            .run(&context, mentioned, move |scope| {
                schema::describe(scope, &table)
            })
            .await
    })
}

fn text<'a>(arguments: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, ToolError> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ToolError::new("TypeError", format!("{name} must be a str"))),
    }
}

fn required<'a>(arguments: &'a Map<String, Value>, name: &str) -> Result<&'a str, ToolError> {
    text(arguments, name)?.ok_or_else(|| ToolError::new("TypeError", format!("{name} is missing")))
}

fn sql_spec(databases: &Databases) -> ToolSpec {
    let limits = &databases.limits;
    let description = format!(
        "Runs one SQL statement (SQLite's dialect) and returns its rows; in Python, as a \
         DataFrame. A statement may run {} s; a result may have {} rows and {} bytes.",
        limits.statement_timeout.as_secs_f64(),
        limits.rows_max,
        limits.result_max_bytes
    );
    let properties = json!({
        "query": {
            "type": "string",
            "description": "One statement. Use parameters (?, :name) for values."
        },
        "params": {
            "anyOf": [{ "type": "array" }, { "type": "object" }, { "type": "null" }],
            "default": null,
            "description": "Values of the parameters: a list for ?, a dict for :name. \
                None, bool, int, float, str or bytes."
        },
        "database": database_schema(databases),
        "truncate": {
            "type": "boolean",
            "default": false,
            "description": "Cut a result that is too large instead of refusing it; in Python, \
                DataFrame.attrs[\"truncated\"] is then True."
        }
    });
    let returns = json!({ "type": "object", "x-memex-type": "table" });
    spec(
        databases,
        "sql",
        &description,
        properties,
        &["query"],
        returns,
        1,
    )
}

fn list_spec(databases: &Databases) -> ToolSpec {
    let description = "All tables and views with their columns, foreign keys and numbers of rows, of one \
         database or of all. Start here.";
    let properties = json!({ "database": database_schema(databases) });
    let returns = json!({
        "type": "array",
        "items": {
            "title": "TableEntry",
            "type": "object",
            "properties": {
                "database": { "type": "string" },
                "table": { "type": "string" },
                "kind": { "type": "string", "description": "table, view, or the format of a data file" },
                "rows": {
                    "anyOf": [{ "type": "integer" }, { "type": "null" }],
                    "description": "About how many, for large tables; None for a view or a data file"
                },
                "columns": {
                    "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "null" }],
                    "description": "Names; None for a data file, until describe_table() loads it"
                },
                "references": {
                    "type": "array", "items": { "type": "string" },
                    "description": "Foreign keys: column → table.column"
                }
            },
            "required": ["database", "table", "kind", "rows", "columns", "references"]
        }
    });
    let times = u32::try_from(databases.all.len()).unwrap_or(u32::MAX);
    spec(
        databases,
        "list_tables",
        description,
        properties,
        &[],
        returns,
        times,
    )
}

fn describe_spec(databases: &Databases) -> ToolSpec {
    let description =
        "Describes a table: columns, types, keys, indexes, number of rows, and a few rows.";
    let properties = json!({
        "table": { "type": "string", "description": "Its name." },
        "database": database_schema(databases)
    });
    let optional_text = json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] });
    let returns = json!({
        "title": "TableDescription",
        "type": "object",
        "properties": {
            "database": { "type": "string" },
            "table": { "type": "string" },
            "kind": { "type": "string" },
            "rows": { "anyOf": [{ "type": "integer" }, { "type": "null" }], "description": "None for a view" },
            "rows_estimated": { "type": "boolean" },
            "columns": { "type": "array", "items": {
                "title": "ColumnDescription",
                "type": "object",
                "properties": {
                    "name": { "type": "string" },
                    "type": { "type": "string", "description": "As declared; may be empty" },
                    "nullable": { "type": "boolean" },
                    "default": optional_text,
                    "primary_key": { "type": "boolean" }
                },
                "required": ["name", "type", "nullable", "default", "primary_key"]
            } },
            "foreign_keys": { "type": "array", "items": {
                "title": "ForeignKey",
                "type": "object",
                "properties": {
                    "column": { "type": "string" },
                    "references_table": { "type": "string" },
                    "references_column": optional_text
                },
                "required": ["column", "references_table", "references_column"]
            } },
            "indexes": { "type": "array", "items": {
                "title": "TableIndex",
                "type": "object",
                "properties": {
                    "name": { "type": "string" },
                    "unique": { "type": "boolean" },
                    "columns": { "type": "array", "items": optional_text }
                },
                "required": ["name", "unique", "columns"]
            } },
            "sample": { "type": "array", "items": { "type": "object" }, "description": "The first rows" },
            "notes": { "type": "array", "items": { "type": "string" }, "description": "What was guessed or left out of a data file" }
        },
        "required": [
            "database", "table", "kind", "rows", "rows_estimated", "columns", "foreign_keys", "indexes", "sample"
        ]
    });
    spec(
        databases,
        "describe_table",
        description,
        properties,
        &["table"],
        returns,
        1,
    )
}

/// A choice of the names; required in effect when there are several.
fn database_schema(databases: &Databases) -> Value {
    let names = databases.names();
    let description = match names.as_slice() {
        [only] => format!("Which database; there is one: {only}."),
        _ => format!("Which database: {}.", names.join(", ")),
    };
    json!({
        "anyOf": [{ "type": "string" }, { "type": "null" }],
        "default": null,
        "description": description
    })
}

fn spec(
    databases: &Databases,
    name: &str,
    description: &str,
    properties: Value,
    required: &[&str],
    returns: Value,
    times: u32,
) -> ToolSpec {
    let timeout = databases.limits.statement_timeout.saturating_mul(times);
    ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false
        }),
        returns: Some(returns),
        timeout: timeout.checked_add(TIMEOUT_MARGIN),
    }
}
