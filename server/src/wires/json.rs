//! Objects in JSON.

use serde::de::{DeserializeOwned, Error as _};

/// Reads an object; nothing at all is an empty one. Whatever else there may be is
/// refused: a list would be read as an object's fields in their order.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let bytes = match bytes.trim_ascii_start() {
        [] => b"{}",
        bytes => bytes,
    };
    match bytes.first() {
        Some(b'{') => serde_json::from_slice(bytes),
        _ => Err(serde_json::Error::custom("it is no object")),
    }
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
}
