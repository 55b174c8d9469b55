//! Tables that come as arguments. Nothing about them can be trusted: a decoded
//! table has been checked to be what it says.

use super::columns::{Column, TABLE_KEY, TABLE_ROWS_MAX, Table, Values};
use super::number_type::NumberType;
use crate::Error;
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Map, Value};
use std::collections::HashSet;

type Find<'a> = &'a dyn Fn(usize) -> Option<Bytes>;

impl Table {
    /// Decodes the value of an argument; its columns are in `parts`.
    ///
    /// # Errors
    /// When it is no table, or its columns are not what they say.
    pub fn decode(value: &Value, parts: &[Bytes]) -> Result<Self, Error> {
        Self::from_json(value, &|index| parts.get(index).cloned())
    }

    fn from_json(value: &Value, find: Find<'_>) -> Result<Self, Error> {
        let table = value
            .as_object()
            .filter(|object| object.len() == 1)
            .and_then(|object| object.get(TABLE_KEY))
            .ok_or_else(|| not_a_table("it is not {\"$table\": …}"))?;
        let rows = table
            .get("rows")
            .and_then(Value::as_u64)
            .and_then(|rows| usize::try_from(rows).ok())
            .filter(|rows| *rows <= TABLE_ROWS_MAX)
            .ok_or_else(|| not_a_table("`rows` is no number of rows"))?;
        let columns = table
            .get("columns")
            .and_then(Value::as_array)
            .ok_or_else(|| not_a_table("`columns` is no array"))?;
        let mut decoded = Vec::with_capacity(columns.len());
        let mut names = HashSet::new();
        for column in columns {
            let column = column
                .as_object()
                .ok_or_else(|| not_a_table("a column is no object"))?;
            let column = decode_column(column, rows, find)?;
            if !names.insert(column.name.clone()) {
                return Err(column.error("an earlier column has this name"));
            }
            decoded.push(column);
        }
        // What rows cost is paid by columns. Without any, four billion of them are a
        // number, and whoever goes through them goes through four billion.
        if decoded.is_empty() && rows > 0 {
            return Err(not_a_table("it has rows and no columns"));
        }
        Ok(Self {
            rows,
            columns: decoded,
        })
    }
}

fn not_a_table(reason: &str) -> Error {
    Error::NotATable {
        reason: reason.to_owned(),
    }
}

/// A column being decoded.
struct Source<'a> {
    name: &'a str,
    json: &'a Map<String, Value>,
    rows: usize,
    find: Find<'a>,
}

fn decode_column(json: &Map<String, Value>, rows: usize, find: Find<'_>) -> Result<Column, Error> {
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    let name = text("name").ok_or_else(|| not_a_table("a column has no name"))?;
    let kind = text("type").unwrap_or_default();
    let source = Source {
        name,
        json,
        rows,
        find,
    };
    let values = match kind {
        "timestamp" => Values::Timestamps {
            data: source.sized("data", 8)?,
            utc: match json.get("tz") {
                None | Some(Value::Null) => false,
                Some(zone) if zone == "UTC" => true,
                Some(_) => return Err(source.error("its time zone is not UTC; convert it")),
            },
        },
        "date" => Values::Dates {
            data: source.sized("data", 4)?,
        },
        "text" => source.text()?,
        "bytes" => {
            let (data, ends) = (source.part("data")?, source.sized("ends", 4)?);
            source.check_ends(&data, &ends, |_| true)?;
            Values::Binary { data, ends }
        }
        "json" => Values::Json {
            values: source.json_values()?.clone(),
        },
        _ => {
            let kind = NumberType::named(kind)
                .ok_or_else(|| source.error(format!("there is no type {kind:.40?}")))?;
            Values::Numbers {
                kind,
                data: source.sized("data", kind.size_bytes())?,
            }
        }
    };
    let valid = match json.get("valid") {
        None | Some(Value::Null) => None,
        Some(_) => Some(source.sized("valid", 1)?),
    };
    Ok(Column {
        name: name.to_owned(),
        rows,
        values,
        valid,
    })
}

impl Source<'_> {
    fn error(&self, reason: impl Into<String>) -> Error {
        Error::Table {
            column: self.name.to_owned(),
            reason: reason.into(),
        }
    }

    fn part(&self, key: &str) -> Result<Bytes, Error> {
        let index = self.json.get(key).and_then(Value::as_u64);
        index
            .and_then(|index| usize::try_from(index).ok())
            .and_then(self.find)
            .ok_or_else(|| self.error(format!("`{key}` names no part")))
    }

    /// A part of `size` bytes a row.
    fn sized(&self, key: &str, size: usize) -> Result<Bytes, Error> {
        let part = self.part(key)?;
        if Some(part.len()) != self.rows.checked_mul(size) {
            return Err(self.error(format!(
                "`{key}` has {} bytes where {} rows need {size} each",
                part.len(),
                self.rows
            )));
        }
        Ok(part)
    }

    fn json_values(&self) -> Result<&Vec<Value>, Error> {
        self.json
            .get("values")
            .and_then(Value::as_array)
            .filter(|values| values.len() == self.rows)
            .ok_or_else(|| self.error(format!("`values` is no array of {} values", self.rows)))
    }

    fn text(&self) -> Result<Values, Error> {
        if self.json.contains_key("codes") {
            return self.dictionary();
        }
        let data = self.part("data")?;
        let text = std::str::from_utf8(&data).map_err(|_| self.error("it is not UTF-8"))?;
        if self.json.contains_key("ends") {
            let ends = self.sized("ends", 4)?;
            self.check_ends(&data, &ends, |at| text.is_char_boundary(at))?;
            return Ok(Values::Ends { data, ends });
        }
        let separator = match self.json.get("separator").and_then(Value::as_str) {
            Some(text) if text.len() == 1 && text.is_ascii() => text.as_bytes().first().copied(),
            _ => None,
        };
        let separator = separator
            .ok_or_else(|| self.error("it has neither `ends` nor `codes` nor a `separator`"))?;
        let values = match self.rows {
            0 => usize::from(!data.is_empty()),
            _ => 1 + data.iter().filter(|byte| **byte == separator).count(),
        };
        if values != self.rows {
            return Err(self.error(format!("it has {values} values, not {}", self.rows)));
        }
        Ok(Values::Separated { data, separator })
    }

    fn dictionary(&self) -> Result<Values, Error> {
        let codes = self.sized("codes", 4)?;
        let values = self
            .json
            .get("values")
            .and_then(Value::as_array)
            .and_then(|values| {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                values.iter().map(text).collect::<Option<Vec<String>>>()
            })
            .ok_or_else(|| self.error("`values` is no array of text"))?;
        let known =
            |code: i32| code == -1 || usize::try_from(code).is_ok_and(|code| code < values.len());
        let (words, _) = codes.as_chunks::<4>();
        if !words.iter().all(|word| known(i32::from_le_bytes(*word))) {
            return Err(self.error("a code names no value"));
        }
        Ok(Values::Dictionary { codes, values })
    }

    /// Ends must not go back, must stay inside, and must fall between characters.
    fn check_ends(
        &self,
        data: &[u8],
        ends: &[u8],
        boundary: impl Fn(usize) -> bool,
    ) -> Result<(), Error> {
        let mut last = 0;
        let (words, _) = ends.as_chunks::<4>();
        for word in words {
            let end = u32::from_le_bytes(*word) as usize;
            if end < last || end > data.len() || !boundary(end) {
                return Err(self.error(format!("{end} is no end of a value")));
            }
            last = end;
        }
        if last != data.len() {
            return Err(self.error("bytes are left over after the last value"));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value, &crate::parts::part).map_err(D::Error::custom)
    }
}
