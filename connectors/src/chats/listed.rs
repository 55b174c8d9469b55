//! The conversations of a file, one after the other: all of them together can be larger than
//! memory.

use std::fmt;
use std::io::{BufReader, Read};

use memex_json::Mended;
use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::weighed::{Taken, Weighed};

/// The keys under which a file has its list.
const LISTS: [&str; 4] = ["conversations", "chats", "items", "data"];

/// Calls `take` with every conversation and its number, counted from 1 in the list as it
/// stands. A file holds a list, an object that has one, one conversation, or several of these
/// one after the other.
pub(crate) fn each(
    content: impl Read,
    take: &mut dyn FnMut(usize, Value),
) -> Result<(), serde_json::Error> {
    let taken = Taken::default();
    let content = BufReader::new(Weighed::new(Mended::new(content), taken.clone()));
    let mut json = serde_json::Deserializer::from_reader(content);
    let mut number = 0;
    loop {
        let list = List {
            number: &mut number,
            taken: taken.clone(),
            take: &mut *take,
        };
        list.deserialize(&mut json)?;
        if json.end().is_ok() {
            return Ok(());
        }
    }
}

struct List<'e> {
    number: &'e mut usize,
    taken: Taken,
    take: &'e mut dyn FnMut(usize, Value),
}

impl List<'_> {
    fn give(&mut self, value: Value) {
        *self.number += 1;
        self.taken.clear();
        (self.take)(*self.number, value);
    }
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conversations, or one conversation")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element()? {
            self.give(value);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut other = Map::new();
        let mut is_list = false;
        while let Some(key) = map.next_key::<String>()? {
            if LISTS.contains(&key.as_str()) {
                map.next_value_seed(Within {
                    list: &mut self,
                    is_list: &mut is_list,
                })?;
            } else {
                other.insert(key, map.next_value()?);
            }
        }
        if !is_list {
            self.give(Value::Object(other));
        }
        Ok(())
    }
}

/// What stands under a key that may have the list: that, or conversations by their names.
struct Within<'l, 'e> {
    list: &'l mut List<'e>,
    is_list: &'l mut bool,
}

impl<'de> DeserializeSeed<'de> for Within<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conversations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        *self.is_list = true;
        while let Some(value) = list.next_element()? {
            self.list.give(value);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        *self.is_list = true;
        while let Some((_, value)) = map.next_entry::<String, Value>()? {
            self.list.give(value);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}
