//! JSON as a table: an array of objects, objects one after the other, an object that has such an
//! array, or an object of equally long arrays, which are columns.

use super::content::{Content, unread};
use super::encoding::decoded;
use super::json_lines::{Columns, Object, Shape};
use super::rows::{Rows, Unloaded};
use super::table::{Bounds, Found};
use memex_json::{Changes, Mended};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

/// Longest document that is one object: it is held as a whole.
const OBJECT_MAX_BYTES: u64 = 128 << 20;

/// Looks through a file.
pub(super) fn inspect(content: &Content, bounds: &Bounds) -> Result<Found<Shape>, Unloaded> {
    let mut columns = Columns::default();
    let changes = each(content, bounds, &mut |object| columns.see(object))?;
    Ok(columns.found(changes))
}

/// Hands on all rows.
pub(super) fn feed(
    content: &Content,
    shape: &Shape,
    bounds: &Bounds,
    rows: &mut dyn Rows,
) -> Result<(), Unloaded> {
    each(content, bounds, &mut |object| shape.set(object, rows)).map(drop)
}

type Take<'t> = dyn FnMut(Object) -> Result<(), Unloaded> + 't;

/// Every row of a file. Says what had to be mended.
fn each(content: &Content, bounds: &Bounds, take: &mut Take<'_>) -> Result<Changes, Unloaded> {
    let (_, text) = decoded(content.reader()?)?;
    let mut text = BufReader::new(text);
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    let head = text.fill_buf().map_err(unread)?;
    let max = match head.iter().find(|byte| !is_blank(byte)) {
        Some(b'{') => OBJECT_MAX_BYTES,
        _ => u64::MAX,
    };
    let mut mended = Mended::new(text.take(max));
    let mut failed = None;
    let outcome = {
        let mut reader = serde_json::Deserializer::from_reader(BufReader::new(&mut mended));
        let seed = Document {
            take,
            failed: &mut failed,
            bounds,
        };
        seed.deserialize(&mut reader).and_then(|()| reader.end())
    };
    match (failed, outcome) {
        (Some(unloaded), _) => Err(unloaded),
        (None, Ok(())) => Ok(mended.changes()),
        (None, Err(error)) if error.is_io() => Err(unread(error.into())),
        (None, Err(error)) => Err(Unloaded::Content(format!(
            "it is no table in JSON: {error}"
        ))),
    }
}

/// The whole of a document.
struct Document<'s, 't> {
    take: &'s mut Take<'t>,
    failed: &'s mut Option<Unloaded>,
    bounds: &'s Bounds,
}

impl Document<'_, '_> {
    fn row<E: serde::de::Error>(&mut self, object: Object) -> Result<(), E> {
        let taken = self.bounds.in_time().and_then(|()| (self.take)(object));
        taken.map_err(|unloaded| {
            *self.failed = Some(unloaded);
            E::custom("")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of objects, or an object that has one")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<(), A::Error> {
        while let Some(object) = rows.next_element()? {
            self.row(object)?;
        }
        Ok(())
    }

    /// What is not an array of rows has to be known as a whole.
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut pairs: Vec<(String, Value)> = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        let is_rows = |value: &Value| match value {
            Value::Array(rows) => !rows.is_empty() && rows.iter().all(Value::is_object),
            _ => false,
        };
        let mut with_rows = pairs.iter().filter(|(_, value)| is_rows(value));
        if let (Some((_, Value::Array(rows))), None) = (with_rows.next(), with_rows.next()) {
            for row in rows {
                if let Value::Object(row) = row {
                    self.row(Object(row.clone().into_iter().collect()))?;
                }
            }
            return Ok(());
        }
        let lengths = pairs
            .iter()
            .map(|(_, value)| value.as_array().map(Vec::len));
        let mut lengths = lengths.collect::<Option<Vec<usize>>>().unwrap_or_default();
        lengths.dedup();
        if let [length] = *lengths {
            for row in 0..length {
                let cells = pairs.iter().map(|(name, column)| {
                    let cell = column.get(row).cloned().unwrap_or_default();
                    (name.clone(), cell)
                });
                self.row(Object(cells.collect()))?;
            }
            return Ok(());
        }
        self.row(Object(pairs))
    }
}
