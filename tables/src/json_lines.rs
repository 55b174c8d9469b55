//! Objects of JSON as rows, a column for every key; and JSON lines, one object a line.

use super::content::{Content, unread};
use super::encoding::decoded;
use super::kind::Kind;
use super::rows::{Plan, Rows, Unloaded};
use super::table::{Bounds, Found};
use super::value::ValueRef;
use memex_json::{Changes, Mended};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

/// Most keys of all rows together.
const KEYS_MAX: usize = 2000;
/// Longest line.
const LINE_MAX_BYTES: u64 = 64 << 20;
const CLOCK_LINES: usize = 4096;

/// Looks through a file of lines.
pub(super) fn inspect(content: &Content, bounds: &Bounds) -> Result<Found<Shape>, Unloaded> {
    let mut columns = Columns::default();
    let changes = each(content, bounds, &mut |object| columns.see(object))?;
    Ok(columns.found(changes))
}

/// Hands on all rows of a file of lines.
pub(super) fn feed(
    content: &Content,
    shape: &Shape,
    bounds: &Bounds,
    rows: &mut dyn Rows,
) -> Result<(), Unloaded> {
    each(content, bounds, &mut |object| shape.set(object, rows)).map(drop)
}

/// The columns that the keys of objects make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shape {
    kinds: Vec<Kind>,
    places: HashMap<String, usize>,
}

/// Columns as far as objects have been seen.
#[derive(Default)]
pub(super) struct Columns {
    names: Vec<String>,
    shape: Shape,
    nested: Vec<bool>,
}

impl Columns {
    pub(super) fn see(&mut self, object: Object) -> Result<(), Unloaded> {
        for (key, value) in object.0 {
            let place = match self.shape.places.get(&key) {
                Some(place) => *place,
                None if self.names.len() == KEYS_MAX => {
                    return Err(Unloaded::Content(format!(
                        "it has more than {KEYS_MAX} keys"
                    )));
                }
                None => {
                    self.names.push(key.clone());
                    self.shape.kinds.push(Kind::Unknown);
                    self.nested.push(false);
                    self.shape.places.insert(key, self.names.len() - 1);
                    self.names.len() - 1
                }
            };
            if let Some(kind) = self.shape.kinds.get_mut(place) {
                *kind = kind.join(of(&value));
            }
            if let Some(nested) = self.nested.get_mut(place) {
                *nested |= value.is_array() || value.is_object();
            }
        }
        Ok(())
    }

    pub(super) fn found(self, changes: Changes) -> Found<Shape> {
        let nested = self.names.iter().zip(&self.nested);
        let nested: Vec<&str> = nested
            .filter_map(|(name, nested)| nested.then_some(name.as_str()))
            .collect();
        let mut notes = Vec::new();
        if !nested.is_empty() {
            let names = super::table::listed(nested.into_iter());
            notes.push(format!("lists and objects are JSON text: {names}"));
        }
        if changes.numbers > 0 {
            let count = changes.numbers;
            notes.push(format!(
                "{count} numbers that are not finite (NaN, Infinity) are NULL"
            ));
        }
        if changes.characters > 0 {
            let count = changes.characters;
            notes.push(format!(
                "{count} places in texts are no characters, and U+FFFD"
            ));
        }
        let kinds = self.shape.kinds.iter();
        let plan = self.names.into_iter().zip(kinds).map(|(name, kind)| Plan {
            name,
            declared: kind.declared(),
        });
        Found {
            plan: plan.collect(),
            notes,
            how: self.shape,
        }
    }
}

impl Shape {
    /// Hands on an object as a row.
    pub(super) fn set(&self, object: Object, rows: &mut dyn Rows) -> Result<(), Unloaded> {
        let mut values: Vec<Option<Value>> = vec![None; self.kinds.len()];
        for (key, value) in object.0 {
            let place = self
                .places
                .get(&key)
                .and_then(|place| values.get_mut(*place));
            if let Some(place) = place {
                *place = Some(value);
            }
        }
        for (index, (kind, value)) in self.kinds.iter().zip(values).enumerate() {
            match value {
                None | Some(Value::Null) => rows.set(index, ValueRef::Null)?,
                Some(Value::String(text)) => rows.set(index, ValueRef::Text(text.as_bytes()))?,
                Some(Value::Bool(value)) if *kind == Kind::Bool => {
                    rows.set(index, ValueRef::Integer(value.into()))?;
                }
                Some(Value::Number(number)) if matches!(kind, Kind::Integer | Kind::Real) => {
                    let real = ValueRef::Real(number.as_f64().unwrap_or(f64::NAN));
                    rows.set(index, number.as_i64().map_or(real, ValueRef::Integer))?;
                }
                Some(other) => {
                    rows.set(index, ValueRef::Text(other.to_string().as_bytes()))?;
                }
            }
        }
        rows.row()
    }
}

fn of(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Unknown,
        Value::Bool(_) => Kind::Bool,
        Value::Number(number) if number.is_i64() => Kind::Integer,
        Value::Number(number) if number.is_f64() => Kind::Real,
        // Text is not searched for numbers; dates have no other form in JSON.
        Value::String(text) => match Kind::Unknown.join_text(text) {
            kind @ (Kind::Date | Kind::Timestamp) => kind,
            _ => Kind::Text,
        },
        _ => Kind::Text,
    }
}

/// Every object of a file. Says what had to be mended.
fn each(
    content: &Content,
    bounds: &Bounds,
    take: &mut dyn FnMut(Object) -> Result<(), Unloaded>,
) -> Result<Changes, Unloaded> {
    let (_, text) = decoded(content.reader()?)?;
    let mut input = BufReader::with_capacity(1 << 18, text);
    let mut line = Vec::new();
    let mut number = 0_usize;
    let mut changes = Changes::default();
    loop {
        line.clear();
        let mut longest = (&mut input).take(LINE_MAX_BYTES);
        if longest.read_until(b'\n', &mut line).map_err(unread)? == 0 {
            return Ok(changes);
        }
        number += 1;
        if line.len() as u64 == LINE_MAX_BYTES {
            let message = format!("line {number} has more than {LINE_MAX_BYTES} bytes");
            return Err(Unloaded::Content(message));
        }
        if !line.trim_ascii().is_empty() {
            let object = match serde_json::from_slice(&line) {
                Ok(object) => object,
                // Seldom is a line read twice.
                Err(_) => {
                    let mut mended = Mended::new(line.as_slice());
                    let object = serde_json::from_reader(&mut mended).map_err(|error| {
                        Unloaded::Content(format!("line {number} is no JSON object: {error}"))
                    })?;
                    changes += mended.changes();
                    object
                }
            };
            take(object)?;
        }
        if number.is_multiple_of(CLOCK_LINES) {
            bounds.in_time()?;
        }
    }
}

/// An object with its keys in the order of the text.
pub(super) struct Object(pub(super) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Object;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Object(pairs))
    }
}
