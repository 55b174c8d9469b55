//! Names of sessions and nodes.

use crate::Error;
use std::fmt;

/// Most bytes of a name.
pub const NAME_BYTES_MAX: usize = 64;

/// The name of a session or a node: letters, digits, `-` and `_`.
///
/// It becomes a subject, a key, a path and a column, and means nothing in any of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// A name, if the text is one.
    pub fn new(text: &str) -> Result<Self, Error> {
        let is_plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        if text.is_empty() || text.len() > NAME_BYTES_MAX || !text.bytes().all(is_plain) {
            return Err(Error::Name);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{NAME_BYTES_MAX, Name};

    #[test]
    fn names_mean_nothing_to_an_engine() {
        for good in ["a", "sbx-01_B", &"x".repeat(NAME_BYTES_MAX)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        for bad in [
            "", ".", "..", "a.b", "a/b", "*", ">", "a b", "ä", "a\0", "a'", &long,
        ] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }
}
