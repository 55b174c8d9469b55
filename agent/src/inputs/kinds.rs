//! What a JSON value is in Python.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The type of a value in Python, with the length of what has one.
///
/// It is read without making the value: that can take a hundred times its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    None,
    Bool,
    Int,
    Float,
    /// Of so many characters.
    Text(usize),
    /// Of so many elements.
    List(usize),
    /// Of so many entries.
    Dict(usize),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Text(characters) => write!(f, "str of {characters} characters"),
            Self::List(elements) => write!(f, "list[{elements}]"),
            Self::Dict(entries) => write!(f, "dict[{entries}]"),
        }
    }
}

impl From<&Value> for Kind {
    fn from(value: &Value) -> Self {
        match value {
            Value::Array(values) => Self::List(values.len()),
            Value::Object(map) => Self::Dict(map.len()),
            Value::String(text) => Self::Text(text.chars().count()),
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_f64() => Self::Float,
            Value::Number(_) => Self::Int,
            Value::Null => Self::None,
        }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::None)
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool)
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Kind, E> {
        Ok(Kind::Int)
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Kind, E> {
        Ok(Kind::Int)
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Kind, E> {
        Ok(Kind::Float)
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.chars().count()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        let mut elements = 0_usize;
        while list.next_element::<Kind>()?.is_some() {
            elements = elements.saturating_add(1);
        }
        Ok(Kind::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = 0_usize;
        while map.next_entry::<Kind, Kind>()?.is_some() {
            entries = entries.saturating_add(1);
        }
        Ok(Kind::Dict(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use serde_json::Value;

    #[test]
    fn a_text_is_read_as_its_value_is() {
        for text in [
            "null",
            "true",
            "-3",
            "18446744073709551616",
            "1.5",
            "\"é\\n\"",
            "[]",
            "[1, [2, 3], {}]",
            "{\"a\": {\"b\": 1}, \"c\": [1]}",
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let read: Kind = serde_json::from_str(text).unwrap();
            assert_eq!(read, Kind::from(&value), "{text}");
        }
        let deep = "[".repeat(1_000) + &"]".repeat(1_000);
        for text in ["", "[1", "{1: 2}", "1e999", "\"\\ud800\"", "1 2", &deep] {
            assert!(serde_json::from_str::<Kind>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
        assert_eq!(Kind::List(3).to_string(), "list[3]");
    }
}
