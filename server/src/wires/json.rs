//! Objects in JSON.

use serde::de::{DeserializeOwned, Error as _};

use crate::values::{REMEDY, check_values};

/// Reads an object; nothing at all is an empty one. Whatever else there may be is
/// refused: a list would be read as an object's fields in their order.
///
/// # Errors
/// What is wrong with it, or that it takes too much as values.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let bytes = match bytes.trim_ascii_start() {
        [] => b"{}",
        bytes => bytes,
    };
    match bytes.first() {
        Some(b'{') => bounded(bytes),
        _ => Err(serde_json::Error::custom("it is no object")),
    }
}

/// Reads a value that does not take too much.
///
/// # Errors
/// As [`object`].
pub(crate) fn bounded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    check_values(bytes)
        .map_err(|reason| serde_json::Error::custom(format!("it {reason}\nhint: {REMEDY}")))?;
    serde_json::from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::object;
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
        for wrong in ["[]", "[1]", "null", "1", "\"{}\"", "{"] {
            assert!(object::<Fields>(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    /// A megabyte of small empty objects takes a hundred as values; as text it does not.
    #[test]
    fn an_object_is_bounded_by_what_it_takes_as_values() {
        type Object = BTreeMap<String, serde_json::Value>;
        let list = format!("[{}0]", "{\"\":0},".repeat(150_000));
        let text = format!("{:?}", "x".repeat(list.len()));
        let read = |value: &str| object::<Object>(format!("{{\"a\":{value}}}").as_bytes());
        assert!(read(&text).is_ok());
        let error = read(&list).unwrap_err().to_string();
        assert!(error.contains("as values, of 67108864 allowed"), "{error}");
        assert!(error.contains("\nhint: "), "{error}");
    }
}
