//! Databases to ask, and answers as plain values.

use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError};
use memex_sql::{Access, Databases, SqlLimits};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(100);

pub(crate) fn context() -> CallContext {
    CallContext {
        session: Arc::from("session"),
        deadline: Instant::now() + PATIENCE,
        cancelled: CancellationToken::new(),
    }
}

/// A SQLite file made by these statements.
pub(crate) fn sqlite(directory: &Path, name: &str, statements: &str) -> PathBuf {
    let path = directory.join(name);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(statements).unwrap();
    path
}

/// The tools over one database.
pub(crate) struct Toolbox {
    pub(crate) tools: Vec<Arc<dyn Tool>>,
    pub(crate) directory: TempDir,
}

impl Toolbox {
    pub(crate) fn new(statements: &str, access: Access) -> Self {
        Self::limited(statements, access, SqlLimits::default())
    }

    pub(crate) fn limited(statements: &str, access: Access, limits: SqlLimits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = sqlite(directory.path(), "main.db", statements);
        let databases = Databases::builder()
            .limits(limits)
            .sqlite("main", path, access);
        Self {
            tools: databases.build().unwrap().tools(),
            directory,
        }
    }

    pub(crate) async fn call(&self, name: &str, arguments: Value) -> Result<Answer, ToolError> {
        call(&self.tools, name, arguments).await
    }

    /// The rows of a query.
    pub(crate) async fn rows(&self, query: &str) -> Vec<Vec<Value>> {
        let answer = self.call("sql", json!({ "query": query })).await;
        Table::of(&answer.unwrap_or_else(|error| panic!("{query}: {error}"))).rows()
    }

    pub(crate) async fn table(&self, query: &str) -> Table {
        let answer = self.call("sql", json!({ "query": query })).await;
        Table::of(&answer.unwrap_or_else(|error| panic!("{query}: {error}")))
    }

    pub(crate) async fn error(&self, query: &str) -> ToolError {
        match self.call("sql", json!({ "query": query })).await {
            Err(error) => error,
            Ok(_) => panic!("{query}: it was answered"),
        }
    }
}

pub(crate) async fn call(
    tools: &[Arc<dyn Tool>],
    name: &str,
    arguments: Value,
) -> Result<Answer, ToolError> {
    let Value::Object(json) = arguments else {
        panic!("arguments are an object");
    };
    let tool = tools.iter().find(|tool| tool.spec().name == name).unwrap();
    let parts = Vec::new();
    tool.call(context(), Arguments { json, parts }).await
}

/// A table value, decoded as the guest does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) attributes: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) zone: Option<String>,
    pub(crate) values: Vec<Value>,
}

impl Table {
    pub(crate) fn of(answer: &Answer) -> Self {
        let table = &answer.json["$table"];
        let rows = usize::try_from(table["rows"].as_u64().unwrap()).unwrap();
        let columns = table["columns"].as_array().unwrap();
        let columns = columns
            .iter()
            .map(|column| decode(column, rows, &answer.parts));
        Self {
            columns: columns.collect(),
            attributes: table["attrs"].clone(),
        }
    }

    pub(crate) fn rows(&self) -> Vec<Vec<Value>> {
        let count = self.columns.first().map_or(0, |column| column.values.len());
        let row = |index: usize| {
            self.columns
                .iter()
                .map(|column| column.values[index].clone())
                .collect()
        };
        (0..count).map(row).collect()
    }

    /// `name: type` of every column.
    pub(crate) fn types(&self) -> Vec<String> {
        let typed = |column: &Column| format!("{}: {}", column.name, column.kind);
        self.columns.iter().map(typed).collect()
    }
}

fn decode(column: &Value, rows: usize, parts: &[Vec<u8>]) -> Column {
    let part = |key: &str| -> Option<&[u8]> {
        let number = column.get(key)?.as_u64()?;
        Some(parts[usize::try_from(number).unwrap()].as_slice())
    };
    let kind = column["type"].as_str().unwrap();
    let data = part("data").unwrap_or_default();
    let slices = |ends: &[u8]| -> Vec<Vec<u8>> {
        let mut start = 0;
        let ends = ends
            .as_chunks::<4>()
            .0
            .iter()
            .map(|end| u32::from_le_bytes(*end) as usize);
        ends.map(|end| data[std::mem::replace(&mut start, end)..end].to_vec())
            .collect()
    };
    let text = |bytes: &[u8]| Value::from(std::str::from_utf8(bytes).unwrap());
    let mut values: Vec<Value> = match kind {
        "bool" => data.iter().map(|byte| Value::from(*byte == 1)).collect(),
        "int64" | "timestamp" => data
            .as_chunks()
            .0
            .iter()
            .map(|word| i64::from_le_bytes(*word).into())
            .collect(),
        "date" => data
            .as_chunks()
            .0
            .iter()
            .map(|word| i32::from_le_bytes(*word).into())
            .collect(),
        "float64" => data
            .as_chunks()
            .0
            .iter()
            .map(|word| float(f64::from_le_bytes(*word)))
            .collect(),
        "text" if column.get("codes").is_some() => {
            let values = column["values"].as_array().unwrap();
            let codes = part("codes").unwrap().as_chunks::<4>().0.iter();
            let value = |code: &[u8; 4]| match usize::try_from(i32::from_le_bytes(*code)) {
                Ok(code) => values[code].clone(),
                Err(_) => Value::Null,
            };
            codes.map(value).collect()
        }
        "text" if column.get("separator").is_some() => {
            data.split(|byte| *byte == 0).take(rows).map(text).collect()
        }
        "text" => slices(part("ends").unwrap())
            .iter()
            .map(|bytes| text(bytes))
            .collect(),
        "bytes" => slices(part("ends").unwrap())
            .into_iter()
            .map(Value::from)
            .collect(),
        "json" => column["values"].as_array().unwrap().clone(),
        other => panic!("{other} is no type"),
    };
    assert_eq!(values.len(), rows, "{column}");
    if let Some(valid) = part("valid") {
        assert_eq!(valid.len(), rows);
        for (value, valid) in values.iter_mut().zip(valid) {
            if *valid == 0 {
                *value = Value::Null;
            }
        }
    }
    Column {
        name: column["name"].as_str().unwrap().to_owned(),
        kind: kind.to_owned(),
        zone: column
            .get("tz")
            .map(|zone| zone.as_str().unwrap().to_owned()),
        values,
    }
}

/// NaN is what a NULL becomes; infinities have no JSON.
fn float(value: f64) -> Value {
    if value.is_infinite() {
        Value::from(value.to_string())
    } else {
        Value::from(value)
    }
}
