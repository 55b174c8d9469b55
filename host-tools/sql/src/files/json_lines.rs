//! JSON lines: one object a line, a column for every key.

use super::kind::Kind;
use super::loading::{Loader, Plan, Rows, Unloaded, in_time};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::time::Instant;

/// Most keys of all lines together.
const KEYS_MAX: usize = 2000;
const CLOCK_LINES: usize = 4096;

/// Loads a file.
pub(super) fn load<F: Read + Seek>(
    mut file: F,
    size: u64,
    connection: &Connection,
    table: &str,
    deadline: Instant,
) -> Result<(), Unloaded> {
    let mut plan: Vec<(String, Kind)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    each(&mut file, size, deadline, |object| {
        for (key, value) in object.0 {
            let place = match places.get(&key) {
                Some(place) => *place,
                None if plan.len() == KEYS_MAX => {
                    return Err(Unloaded::Content(format!(
                        "it has more than {KEYS_MAX} keys"
                    )));
                }
                None => {
                    plan.push((key.clone(), Kind::Unknown));
                    places.insert(key, plan.len() - 1);
                    plan.len() - 1
                }
            };
            if let Some((_, kind)) = plan.get_mut(place) {
                *kind = kind.join(of(&value));
            }
        }
        Ok(())
    })?;
    let columns: Vec<Plan> = plan
        .iter()
        .map(|(name, kind)| Plan {
            name: name.clone(),
            declared: kind.declared(),
        })
        .collect();
    let mut loader = Loader::create(connection, table, &columns, deadline)?;
    each(&mut file, size, deadline, |object| {
        for index in 0..columns.len() {
            loader.set(index, ValueRef::Null)?;
        }
        for (key, value) in object.0 {
            let place = places.get(&key).copied();
            let Some((place, (_, kind))) = place.and_then(|place| Some((place, plan.get(place)?)))
            else {
                continue;
            };
            match value {
                Value::Null => loader.set(place, ValueRef::Null)?,
                Value::String(text) => loader.set(place, ValueRef::Text(text.as_bytes()))?,
                Value::Bool(value) if *kind == Kind::Bool => {
                    loader.set(place, ValueRef::Integer(value.into()))?;
                }
                Value::Number(number) if matches!(kind, Kind::Integer | Kind::Real) => {
                    let real = ValueRef::Real(number.as_f64().unwrap_or(f64::NAN));
                    loader.set(place, number.as_i64().map_or(real, ValueRef::Integer))?;
                }
                other => loader.set(place, ValueRef::Text(other.to_string().as_bytes()))?,
            }
        }
        loader.row()
    })
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

fn each<F: Read + Seek>(
    file: &mut F,
    size: u64,
    deadline: Instant,
    mut take: impl FnMut(Object) -> Result<(), Unloaded>,
) -> Result<(), Unloaded> {
    let host = |error: std::io::Error| Unloaded::Host(error.to_string());
    file.seek(SeekFrom::Start(0)).map_err(host)?;
    let mut input = BufReader::new(file.take(size));
    let mut line = Vec::new();
    let mut number = 0_usize;
    while input.read_until(b'\n', &mut line).map_err(host)? > 0 {
        number += 1;
        if !line.trim_ascii().is_empty() {
            let object = serde_json::from_slice(&line).map_err(|error| {
                Unloaded::Content(format!("line {number} is no JSON object: {error}"))
            })?;
            take(object)?;
        }
        if number.is_multiple_of(CLOCK_LINES) {
            in_time(deadline)?;
        }
        line.clear();
    }
    Ok(())
}

/// An object with its keys in the order of the text.
struct Object(Vec<(String, Value)>);

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
