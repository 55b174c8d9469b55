//! A tool's answer as text, for a model that calls tools by itself.

use std::collections::HashSet;

use chrono::{DateTime, Days, NaiveDate};
use memex_host_tools::{Column, ColumnType, Number, NumberType, PART_KEY, TABLE_KEY, Table};
use serde_json::{Map, Value, json};

/// From so many rows on, a value that is the same in all of them is said once.
const CONSTANT_FROM_ROWS: usize = 3;

/// An answer as text: tables, and lists of objects with the same fields, are a line of
/// names and a line for each row; other values are JSON; a text stands for itself.
#[must_use]
pub fn result_text(value: &Value, parts: &[Vec<u8>]) -> String {
    // The columns of a query are those that were asked for, whatever is in them.
    let is_table = value.get(TABLE_KEY).is_some();
    match result_value(value, parts) {
        Value::String(text) => text,
        Value::Object(map) if map.values().any(|value| listed(value, true).is_some()) => {
            let member = |(key, value): (&String, &Value)| match listed(value, true) {
                Some(rows) => format!("{key}:\n{rows}"),
                None => format!("{key}: {value}"),
            };
            map.iter().map(member).collect::<Vec<_>>().join("\n")
        }
        other => listed(&other, !is_table).unwrap_or_else(|| other.to_string()),
    }
}

/// An answer as a value that a record holds: tables become lists of objects, bytes say
/// how many they are.
pub(crate) fn result_value(value: &Value, parts: &[Vec<u8>]) -> Value {
    plain(value, parts)
}

/// A list of objects that all have the same fields, as rows under their names. With
/// `constants`, what is the same in each of several rows is said once, above them.
fn listed(value: &Value, constants: bool) -> Option<String> {
    let rows: Vec<&Map<String, Value>> = value
        .as_array()?
        .iter()
        .map(Value::as_object)
        .collect::<Option<_>>()?;
    let first = *rows.first()?;
    if first.is_empty() || !rows.iter().all(|row| row.keys().eq(first.keys())) {
        return None;
    }
    let is_constant = |name: &str| {
        let value = first.get(name);
        constants
            && rows.len() >= CONSTANT_FROM_ROWS
            && rows.iter().all(|row| row.get(name) == value)
    };
    // One name at least heads the rows.
    let (constant, varying): (Vec<&String>, Vec<&String>) =
        first.keys().partition(|name| is_constant(name));
    let (constant, varying) = match varying.is_empty() {
        true => (Vec::new(), constant),
        false => (constant, varying),
    };
    let line = |cells: Vec<String>| cells.join(" | ");
    let same: Vec<String> = constant
        .into_iter()
        .filter_map(|name| Some(format!("{} = {}", name_cell(name), cell(first.get(name)?))))
        .collect();
    let mut lines = Vec::new();
    if !same.is_empty() {
        lines.push(format!("(in each row: {})", same.join(", ")));
    }
    lines.push(line(varying.iter().map(|name| name_cell(name)).collect()));
    for row in &rows {
        let cells = varying.iter().filter_map(|name| row.get(*name)).map(cell);
        lines.push(line(cells.collect()));
    }
    let count = rows.len();
    let unit = if count == 1 { "row" } else { "rows" };
    lines.push(format!("({count} {unit})"));
    Some(lines.join("\n"))
}

fn name_cell(name: &str) -> String {
    cell(&Value::from(name))
}

/// A cell on one line. NULL is not the text "NULL", and not an empty one.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => {
            let is_plain = !text.is_empty()
                && text != "NULL"
                && text.trim() == text
                && !text.contains(['|', '\n', '\r', '"']);
            match is_plain {
                true => text.clone(),
                false => value.to_string(),
            }
        }
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn plain(value: &Value, parts: &[Vec<u8>]) -> Value {
    match value {
        Value::Array(values) => values.iter().map(|value| plain(value, parts)).collect(),
        Value::Object(map) if map.len() == 1 && map.contains_key(PART_KEY) => {
            let index = map
                .get(PART_KEY)
                .and_then(Value::as_u64)
                .unwrap_or(u64::MAX);
            let part = usize::try_from(index)
                .ok()
                .and_then(|index| parts.get(index));
            json!(format!("<{} bytes>", part.map_or(0, Vec::len)))
        }
        Value::Object(map) if map.len() == 1 && map.contains_key(TABLE_KEY) => {
            rows(value, parts).unwrap_or_else(|reason| json!(format!("<no table: {reason}>")))
        }
        Value::Object(map) => {
            let members = map
                .iter()
                .map(|(key, value)| (key.clone(), plain(value, parts)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

fn rows(value: &Value, parts: &[Vec<u8>]) -> Result<Value, String> {
    let parts: Vec<_> = parts.iter().map(|part| part.clone().into()).collect();
    let table = Table::decode(&told_apart(value), &parts).map_err(|error| error.to_string())?;
    let columns: Vec<(&str, Vec<Value>)> = table
        .columns()
        .iter()
        .map(|column| (column.name(), values_of(column)))
        .collect();
    let row = |index: usize| {
        let cells = columns.iter().map(|(name, values)| {
            let cell = values.get(index).cloned().unwrap_or(Value::Null);
            ((*name).to_owned(), cell)
        });
        Value::Object(cells.collect::<Map<_, _>>())
    };
    Ok((0..table.rows()).map(row).collect())
}

/// The table with names that occur twice told apart, as joins make them: `id`, `id_2`.
fn told_apart(value: &Value) -> Value {
    let mut value = value.clone();
    let columns = value
        .get_mut(TABLE_KEY)
        .and_then(|table| table.get_mut("columns"))
        .and_then(Value::as_array_mut);
    let mut taken = HashSet::new();
    for column in columns.into_iter().flatten() {
        let Some(name) = column.get_mut("name") else {
            continue;
        };
        let base = name.as_str().unwrap_or_default().to_owned();
        let mut own = base.clone();
        let mut count = 1_usize;
        while !taken.insert(own.clone()) {
            count += 1;
            own = format!("{base}_{count}");
        }
        if own != base {
            *name = Value::from(own);
        }
    }
    value
}

/// The values of a column as JSON; numbers that JSON has no form for are null.
fn values_of(column: &Column) -> Vec<Value> {
    match column.column_type() {
        ColumnType::Number(kind) => match kind {
            NumberType::Int8 => numbers::<i8>(column),
            NumberType::Int16 => numbers::<i16>(column),
            NumberType::Int32 => numbers::<i32>(column),
            NumberType::Int64 => numbers::<i64>(column),
            NumberType::Uint8 => numbers::<u8>(column),
            NumberType::Uint16 => numbers::<u16>(column),
            NumberType::Uint32 => numbers::<u32>(column),
            NumberType::Uint64 => numbers::<u64>(column),
            NumberType::Float32 => numbers::<f32>(column),
            NumberType::Float64 => numbers::<f64>(column),
            NumberType::Bool => numbers::<bool>(column),
        },
        ColumnType::Timestamp { utc } => column
            .read_numbers::<i64>()
            .into_iter()
            .flatten()
            .map(|micros| micros.and_then(DateTime::from_timestamp_micros))
            .map(|time| match time {
                Some(time) if utc => json!(time.to_rfc3339()),
                Some(time) => json!(time.naive_utc().to_string()),
                None => Value::Null,
            })
            .collect(),
        ColumnType::Date => column
            .read_numbers::<i32>()
            .into_iter()
            .flatten()
            .map(|days| {
                days.and_then(date)
                    .map_or(Value::Null, |date| json!(date.to_string()))
            })
            .collect(),
        ColumnType::Text => {
            let texts = column.read_text().into_iter().flatten();
            texts.map(|text| json!(text)).collect()
        }
        ColumnType::Binary => {
            let values = column.read_binary().into_iter().flatten();
            let shown = |bytes: &[u8]| json!(format!("<{} bytes>", bytes.len()));
            values
                .map(|bytes| bytes.map_or(Value::Null, shown))
                .collect()
        }
        ColumnType::Json => column.read_json().unwrap_or_default().to_vec(),
    }
}

fn numbers<N: Number + serde::Serialize>(column: &Column) -> Vec<Value> {
    let numbers = column.read_numbers::<N>().into_iter().flatten();
    numbers.map(|number| json!(number)).collect()
}

fn date(days: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let distance = Days::new(u64::from(days.unsigned_abs()));
    match days < 0 {
        true => epoch.checked_sub_days(distance),
        false => epoch.checked_add_days(distance),
    }
}
