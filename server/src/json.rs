//! What clients send in JSON.
//!
//! A text bounds its values badly: `{"":0}` is six bytes, and hundreds as a value. So a text
//! is looked through, and held against a bound on this, before anything is made of it.

use std::{fmt, io};

use memex_host_tools::TreeSize;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// What the values of a body may take: a block of the longest body, or some megabytes of
/// records.
const VALUES_MAX_BYTES: usize = 128 << 20;

/// Why a text cannot be read.
#[derive(Debug)]
pub(crate) struct Misread {
    /// The field, as `tools[0].name`; none where it is about the whole.
    pub(crate) field: Option<String>,
    pub(crate) what: String,
}

impl Misread {
    fn whole(what: impl Into<String>) -> Self {
        Self {
            field: None,
            what: what.into(),
        }
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "`{field}`: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Reads an object; nothing at all is an empty one. Whatever else there may be is
/// refused: a list would be read as an object's fields in their order.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Misread> {
    match bytes.trim_ascii_start().first() {
        None | Some(b'{') => value(bytes),
        Some(_) => Err(Misread::whole("it is no JSON object")),
    }
}

/// The same of any value.
///
/// # Errors
/// As [`object`].
pub(crate) fn value<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Misread> {
    let bytes = match bytes.trim_ascii_start() {
        [] => b"{}",
        bytes => bytes,
    };
    let _taken = TreeSize::check(bytes, VALUES_MAX_BYTES)
        .map_err(|what| Misread::whole(format!("it {what}")))?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = Some(error.path().to_string()).filter(|field| field != ".");
        let what = error.into_inner().to_string();
        Misread { field, what }
    })?;
    let end = reader.end();
    end.map_err(|error| Misread::whole(format!("it goes on after its value: {error}")))?;
    Ok(read)
}

/// What values that were read take.
pub(crate) fn taken(values: &impl Serialize) -> usize {
    struct Weighed(TreeSize);
    impl io::Write for Weighed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut weighed = Weighed(TreeSize::default());
    match serde_json::to_writer(&mut weighed, values) {
        Ok(()) => weighed.0.bytes(),
        Err(_) => usize::MAX,
    }
}

/// A JSON text as it is, on one line, if values can be made of it. None are: a display of a
/// guest could take a hundred times its bytes.
pub(crate) fn on_one_line(text: &str) -> Option<Box<RawValue>> {
    let _fits: Looked = serde_json::from_str(text).ok()?;
    // Outside of strings an end of a line is white space, and in them there is none.
    let line = match text.contains(['\n', '\r']) {
        true => text.replace(['\n', '\r'], " "),
        false => text.to_owned(),
    };
    RawValue::from_string(line).ok()
}

/// A value that was read and of which nothing is kept. Unlike `IgnoredAny`, it takes no more
/// depth, and no other numbers and strings, than a `Value` does.
struct Looked;

impl<'de> Deserialize<'de> for Looked {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Looked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _value: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{TreeSize, object, on_one_line, taken, value};
    use serde_json::Value;
    use std::collections::BTreeMap;

    #[test]
    fn objects_are_read_and_nothing_else() {
        type Object = BTreeMap<String, u32>;
        assert_eq!(object::<Object>(b" {\"a\": 1}").unwrap().len(), 1);
        assert_eq!(object::<Object>(b"").unwrap().len(), 0);
        #[derive(Debug, serde::Deserialize)]
        #[serde(default)]
        #[derive(Default)]
        struct Fields {
            #[allow(dead_code)]
            a: u32,
        }
        assert!(object::<Fields>(b"{}").is_ok());
        for wrong in ["[]", "[1]", "null", "1", "\"{}\"", "{", "{} {}"] {
            assert!(object::<Fields>(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let wrong = object::<Fields>(b"{\"a\": true}").unwrap_err();
        assert!(wrong.to_string().starts_with("`a`: "), "{wrong}");
    }

    #[test]
    fn a_text_is_bounded_by_what_it_takes_as_values() {
        let many = |element: &str| format!("{{\"a\": [{}]}}", vec![element; 400_000].join(","));
        let hostile = many("{\"\":0}");
        let refused = value::<Value>(hostile.as_bytes()).unwrap_err();
        assert!(refused.what.contains("as values"), "{refused}");
        // The same bytes as texts, and the same count of small values, are taken.
        let text = format!("{{\"a\": \"{}\"}}", "x".repeat(hostile.len()));
        assert!(value::<Value>(text.as_bytes()).is_ok());
        let small = many("0");
        let read = value::<Value>(small.as_bytes()).unwrap();
        assert_eq!(taken(&read), TreeSize::of(small.as_bytes()));
    }

    #[test]
    fn a_text_goes_on_as_it_is_where_values_could_be_made_of_it() {
        for text in [
            "{\"b\": [1, -2.5e3, null, true], \"a\": \"\\n\"}",
            " \n[\r\n 1,\n 2]\n",
            "\"\"",
            "12345678901234567890123",
        ] {
            let line = on_one_line(text).unwrap();
            assert!(!line.get().contains('\n'), "{text}");
            let values: Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::from_str::<Value>(line.get()).unwrap(), values);
        }
        let deep = "[".repeat(1_000) + &"]".repeat(1_000);
        for text in ["", "{", "1 2", "1e999", "\"\\ud800\"", "{1: 2}", &deep] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
            assert!(on_one_line(text).is_none(), "{text}");
        }
    }
}
