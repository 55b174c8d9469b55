//! Lists in what a guest says: read no further than they may go.

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// A list of at most `N` elements. One that is longer does not deserialize, and
/// is read no further than to the first element too many.
///
/// ```
/// # use memex_runtime::AtMost;
/// let two: AtMost<u64, 2> = serde_json::from_str("[1, 2]")?;
/// assert_eq!(two.0, [1, 2]);
/// assert!(serde_json::from_str::<AtMost<u64, 2>>("[1, 2, 3]").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtMost<T, const N: usize>(pub Vec<T>);

impl<T, const N: usize> Default for AtMost<T, N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for AtMost<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

impl<T: Serialize, const N: usize> Serialize for AtMost<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

struct Elements<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Elements<T, N> {
    type Value = AtMost<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {N} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            if elements.len() == N {
                return Err(A::Error::invalid_length(N + 1, &self));
            }
            elements.push(element);
        }
        Ok(AtMost(elements))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::AtMost;

    #[test]
    fn at_the_bound_and_one_past() {
        let read = |text: &str| serde_json::from_str::<AtMost<String, 2>>(text);
        assert_eq!(read("[]").unwrap(), AtMost::default());
        assert_eq!(read(r#"["a","b"]"#).unwrap().0, ["a", "b"]);
        let error = read(r#"["a","b","c", what follows is not read"#).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("invalid length 3, expected a list of at most 2 elements"),
            "{error}"
        );
        assert!(read(r#"{"a":1}"#).is_err());
    }
}
