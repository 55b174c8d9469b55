//! What pandas notes of an index in a file: a text that anybody may have written, of
//! which a few names matter.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// Most columns that an index is made of; what follows is passed over.
const LEVELS_MAX: usize = 1024;

/// The notes, without what does not matter here.
#[derive(Deserialize)]
pub(super) struct Notes<'a> {
    #[serde(borrow)]
    pub(super) index_columns: Levels<'a>,
}

/// The names among the descriptions of an index: others describe ranges. Nothing else of
/// the list is held.
pub(super) struct Levels<'a>(pub(super) HashSet<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Levels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Levels<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Levels<'de>, A::Error> {
        let mut names = HashSet::new();
        while let Some(Level(name)) = list.next_element()? {
            names.extend(name.filter(|_| names.len() < LEVELS_MAX));
        }
        Ok(Levels(names))
    }
}

/// The name of a column, or anything else.
struct Level<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Level<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Name)
    }
}

struct Name;

impl<'de> Visitor<'de> for Name {
    type Value = Level<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Level<'de>, E> {
        Ok(Level(Some(Cow::Borrowed(name))))
    }

    fn visit_str<E>(self, name: &str) -> Result<Level<'de>, E> {
        Ok(Level(Some(Cow::Owned(name.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Level<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Level(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Level<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Level(None))
    }

    fn visit_unit<E>(self) -> Result<Level<'de>, E> {
        Ok(Level(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Level<'de>, E> {
        Ok(Level(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Level<'de>, E> {
        Ok(Level(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Level<'de>, E> {
        Ok(Level(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Level<'de>, E> {
        Ok(Level(None))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_kept_and_all_else_is_passed_over() {
        let read = |text: &str| {
            let notes = serde_json::from_str::<Notes<'_>>(text);
            notes.map(|notes| {
                let mut names: Vec<String> = notes
                    .index_columns
                    .0
                    .iter()
                    .map(|name| name.to_string())
                    .collect();
                names.sort();
                names
            })
        };
        let text = r#"{"columns": [{"name": "x"}], "index_columns": ["b", {"kind": "range", "start": [0]}, "\u0061", null, 1, -1, 0.5, true, [["c"]], "b"], "more": {}}"#;
        assert_eq!(read(text).unwrap(), ["a", "b"]);
        assert!(read(r#"{"index_columns": {}}"#).is_err());
        assert!(read(r#"{"columns": []}"#).is_err());
        let many: Vec<String> = (0..2 * LEVELS_MAX).map(|name| name.to_string()).collect();
        let text = serde_json::json!({ "index_columns": many }).to_string();
        assert_eq!(read(&text).unwrap().len(), LEVELS_MAX);
    }
}
