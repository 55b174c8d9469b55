//! Columns as a table value of the tools' protocol.

use super::column::{Column, Declared, Store, words};
use super::text::Text;
use super::unfit::Unfit;

use memex_host_tools::Answer;
use memex_tables::dates::{self, Instant};
use serde_json::{Map, Value, json};

/// The key of a JSON object that stands for a table.
const TABLE_KEY: &str = "$table";

/// The answer that is a table of these columns. `attributes` say what the guest
/// should know of it beyond the data.
pub(crate) fn table(
    columns: Vec<Column>,
    rows: usize,
    attributes: Map<String, Value>,
) -> Result<Answer, (String, Unfit)> {
    let mut parts = Vec::new();
    let mut heads = Vec::with_capacity(columns.len());
    for column in columns {
        let name = column.name.clone();
        heads.push(finish(column, &mut parts).map_err(|unfit| (name, unfit))?);
    }
    let mut table = Map::new();
    table.insert("rows".to_owned(), Value::from(rows));
    table.insert("columns".to_owned(), Value::Array(heads));
    if !attributes.is_empty() {
        table.insert("attrs".to_owned(), Value::Object(attributes));
    }
    Ok(Answer {
        json: json!({ TABLE_KEY: table }),
        parts,
    })
}

type Parts = Vec<Vec<u8>>;

/// Adds a part, and answers its number.
fn part(parts: &mut Parts, data: Vec<u8>) -> Value {
    parts.push(data);
    Value::from(parts.len() - 1)
}

fn finish(column: Column, parts: &mut Parts) -> Result<Value, Unfit> {
    let Column {
        name,
        declared,
        rows,
        valid,
        store,
    } = column;
    let mut head = Map::new();
    head.insert("name".to_owned(), Value::from(name));
    let mut set = |key: &str, value: Value| head.insert(key.to_owned(), value);
    let mut keeps_valid = true;
    match store {
        Store::Integer(data) => match booleans(declared, &data) {
            Some(data) => {
                set("type", "bool".into());
                set("data", part(parts, data));
            }
            None => {
                set("type", "int64".into());
                set("data", part(parts, data));
            }
        },
        Store::Float(data) => {
            // NULL is NaN, which SQLite itself cannot hold.
            keeps_valid = false;
            set("type", "float64".into());
            set("data", part(parts, data));
        }
        Store::Text(text) => {
            if let Some((kind, data, zoned)) = moments(declared, &text, valid.as_deref()) {
                set("type", kind.into());
                set("data", part(parts, data));
                if zoned {
                    set("tz", "UTC".into());
                }
            } else {
                set("type", "text".into());
                match text {
                    Text::Dictionary(dictionary) => {
                        // The code -1 says that a row is NULL.
                        keeps_valid = false;
                        let values: Result<Vec<Value>, Unfit> = dictionary
                            .values()
                            .map(|value| std::str::from_utf8(value).map(Value::from))
                            .map(|value| value.map_err(|_| Unfit::NotUtf8))
                            .collect();
                        set("values", values?.into());
                        set("codes", part(parts, dictionary.codes));
                    }
                    Text::Separated { data, .. } => {
                        std::str::from_utf8(&data).map_err(|_| Unfit::NotUtf8)?;
                        set("separator", "\0".into());
                        set("data", part(parts, data));
                    }
                    Text::Ends { data, ends } => {
                        set("data", part(parts, data));
                        set("ends", part(parts, ends));
                    }
                }
            }
        }
        Store::Bytes { data, ends } => {
            set("type", "bytes".into());
            set("data", part(parts, data));
            set("ends", part(parts, ends));
        }
        Store::Mixed(values) => {
            keeps_valid = false;
            set("type", "json".into());
            set("values", Value::Array(values));
        }
        Store::Empty => keeps_valid = blank(declared, rows, parts, &mut set),
    }
    if let Some(valid) = valid.filter(|_| keeps_valid) {
        set("valid", part(parts, valid));
    }
    Ok(Value::Object(head))
}

/// A column without a value has the type it is declared as. Says whether it
/// needs to be told which rows are valid.
fn blank(
    declared: Declared,
    rows: usize,
    parts: &mut Parts,
    set: &mut impl FnMut(&str, Value) -> Option<Value>,
) -> bool {
    let (kind, width) = match declared {
        Declared::Bool => ("bool", 1),
        Declared::Integer => ("int64", 8),
        Declared::Float => ("float64", 8),
        Declared::Date => ("date", 4),
        Declared::Timestamp => ("timestamp", 8),
        Declared::Bytes => {
            set("type", "bytes".into());
            set("data", part(parts, Vec::new()));
            set("ends", part(parts, vec![0; rows.saturating_mul(4)]));
            return true;
        }
        Declared::Text | Declared::Unknown => {
            set("type", "text".into());
            set("values", Value::Array(Vec::new()));
            set("codes", part(parts, vec![0xff; rows.saturating_mul(4)]));
            return false;
        }
    };
    set("type", kind.into());
    set("data", part(parts, vec![0; rows.saturating_mul(width)]));
    true
}

fn booleans(declared: Declared, data: &[u8]) -> Option<Vec<u8>> {
    if declared != Declared::Bool {
        return None;
    }
    words(data)
        .map(|word| {
            u8::try_from(i64::from_le_bytes(word))
                .ok()
                .filter(|bit| *bit <= 1)
        })
        .collect()
}

/// Dates or times, if the column is declared so and every value is one; times
/// must all state an offset, or none.
fn moments(
    declared: Declared,
    text: &Text,
    valid: Option<&[u8]>,
) -> Option<(&'static str, Vec<u8>, bool)> {
    let mut validity = valid.unwrap_or_default().iter();
    let rows = text.rows().map(|row| match validity.next() {
        Some(0) => None,
        _ => row,
    });
    let mut data = Vec::new();
    match declared {
        Declared::Date => {
            for row in rows {
                let days = row.map_or(Some(0), dates::date)?;
                data.extend_from_slice(&days.to_le_bytes());
            }
            Some(("date", data, false))
        }
        Declared::Timestamp => {
            let mut all_zoned = None;
            for row in rows {
                let microseconds = match row {
                    None => 0,
                    Some(row) => {
                        let Instant {
                            microseconds,
                            zoned,
                        } = dates::timestamp(row)?;
                        if *all_zoned.get_or_insert(zoned) != zoned {
                            return None;
                        }
                        microseconds
                    }
                };
                data.extend_from_slice(&microseconds.to_le_bytes());
            }
            Some(("timestamp", data, all_zoned.unwrap_or(false)))
        }
        _ => None,
    }
}
