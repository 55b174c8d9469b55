//! Long texts: they cross the channel as UTF-8, in one part, and not as JSON.
//!
//! ```text
//! {"note": {"$text": 5}, "all": [{"$text": 3}]}   "text": 0   part 0: hellobye
//! ```
//! The texts stand one after the other, in the order in which the JSON names
//! them, so that no reference can be made to count twice.

use crate::table::TABLE_KEY;
use crate::tool::PART_KEY;
use serde_json::{Map, Value};

/// The key of an object that stands for the next text, of so many bytes.
const TEXT_KEY: &str = "$text";
/// Shorter texts stay in the JSON.
const TEXT_MIN_BYTES: usize = 256;
/// Texts that have fewer bytes together stay there too.
const TEXTS_MIN_BYTES: usize = 256 << 10;

/// Puts the texts of `part` into the places that stand for them. How deep
/// `values` are nested has been checked.
///
/// # Errors
/// What is wrong, in words that follow the name of a tool.
pub(super) fn restore(values: &mut Map<String, Value>, part: &[u8]) -> Result<(), &'static str> {
    let mut left = part;
    values
        .values_mut()
        .try_for_each(|value| restore_value(value, &mut left))?;
    match left {
        [] => Ok(()),
        _ => Err("the long texts of the call have bytes that nothing names"),
    }
}

fn restore_value(value: &mut Value, left: &mut &[u8]) -> Result<(), &'static str> {
    match value {
        Value::Array(values) => values
            .iter_mut()
            .try_for_each(|value| restore_value(value, left)),
        Value::Object(map) if is_single(map, PART_KEY) || is_single(map, TABLE_KEY) => Ok(()),
        Value::Object(map) if is_single(map, TEXT_KEY) => {
            let length = map.get(TEXT_KEY).and_then(Value::as_u64);
            let length = length.and_then(|length| usize::try_from(length).ok());
            let (text, rest) = length
                .and_then(|length| left.split_at_checked(length))
                .ok_or("{\"$text\": …} names no text; the key is reserved for long texts")?;
            *left = rest;
            let text = std::str::from_utf8(text).map_err(|_| "a long text is not UTF-8")?;
            *value = Value::String(text.to_owned());
            Ok(())
        }
        Value::Object(map) => map
            .values_mut()
            .try_for_each(|value| restore_value(value, left)),
        _ => Ok(()),
    }
}

/// Takes the long texts out of an answer, if they are long enough together.
/// How deep it is nested has been checked.
pub(super) fn extract(value: &mut Value) -> Option<Vec<u8>> {
    let bytes = long_bytes(value)?;
    if bytes < TEXTS_MIN_BYTES {
        return None;
    }
    let mut part = Vec::with_capacity(bytes);
    extract_value(value, &mut part);
    Some(part)
}

/// The bytes of all long texts; `None` where something of the answer itself
/// looks like what stands for one.
fn long_bytes(value: &Value) -> Option<usize> {
    let sum = |values: &mut dyn Iterator<Item = &Value>| {
        let mut bytes = 0_usize;
        for value in values {
            bytes = bytes.saturating_add(long_bytes(value)?);
        }
        Some(bytes)
    };
    match value {
        Value::String(text) if text.len() >= TEXT_MIN_BYTES => Some(text.len()),
        Value::Array(values) => sum(&mut values.iter()),
        Value::Object(map) if is_single(map, TABLE_KEY) => Some(0),
        Value::Object(map) if is_single(map, TEXT_KEY) => None,
        Value::Object(map) => sum(&mut map.values()),
        _ => Some(0),
    }
}

fn extract_value(value: &mut Value, part: &mut Vec<u8>) {
    match value {
        Value::String(text) if text.len() >= TEXT_MIN_BYTES => {
            part.extend_from_slice(text.as_bytes());
            let mut reference = Map::new();
            reference.insert(TEXT_KEY.to_owned(), text.len().into());
            *value = Value::Object(reference);
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| extract_value(value, part)),
        Value::Object(map) if is_single(map, TABLE_KEY) => {}
        Value::Object(map) => map
            .values_mut()
            .for_each(|value| extract_value(value, part)),
        _ => {}
    }
}

fn is_single(map: &Map<String, Value>, key: &str) -> bool {
    map.len() == 1 && map.contains_key(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[a-zé]{0,8}".prop_map(Value::from),
            (0_usize..2000).prop_map(|n| Value::from("xé".repeat(n))),
            any::<i32>().prop_map(Value::from),
            Just(json!({ "$part": 0 })),
        ];
        text.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-z]{1,3}", inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_taken_out_comes_back(value in values()) {
            let mut short = value.clone();
            let mut part = Vec::new();
            extract_value(&mut short, &mut part);
            let mut map = Map::new();
            map.insert("v".to_owned(), short);
            prop_assert_eq!(restore(&mut map, &part), Ok(()));
            prop_assert_eq!(&map["v"], &value);
        }

        #[test]
        fn no_lengths_make_more_than_there_is(
            lengths in prop::collection::vec(any::<u64>(), 0..8),
            part in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let texts: Vec<Value> = lengths.iter().map(|n| json!({ "$text": n })).collect();
            let mut map = Map::new();
            map.insert("v".to_owned(), Value::from(texts));
            if restore(&mut map, &part).is_ok() {
                let bytes: usize = map["v"].as_array().unwrap().iter()
                    .map(|text| text.as_str().unwrap().len()).sum();
                prop_assert_eq!(bytes, part.len());
            }
        }
    }

    #[test]
    fn short_texts_and_lookalikes_stay() {
        let long = "x".repeat(TEXTS_MIN_BYTES);
        assert_eq!(extract(&mut json!(["short", 1])), None);
        assert_eq!(extract(&mut json!([long, { "$text": 1 }])), None);
        let mut answer = json!({ "a": long });
        assert_eq!(extract(&mut answer), Some(long.into_bytes()));
        assert_eq!(answer, json!({ "a": { "$text": TEXTS_MIN_BYTES } }));
    }
}
