//! Names of sandboxes, snapshots and tenants.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use crate::random;

/// Characters of an identifier: 100 random bits, which host names and paths can hold.
const ID_CHARS: usize = 20;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// The longest name of a tenant.
const TENANT_CHARS_MAX: usize = 40;

/// Names a sandbox or a snapshot: 20 of `a-z` and `2-7`, drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id([u8; ID_CHARS]);

impl Id {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> io::Result<Self> {
        let mut id = [0; ID_CHARS];
        random::fill(&mut id)?;
        for byte in &mut id {
            let letter = ALPHABET.get(usize::from(*byte % 32));
            *byte = letter.copied().unwrap_or(b'a');
        }
        Ok(Self(id))
    }

    /// Reads one; none for a text that is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; ID_CHARS] = text.as_bytes().try_into().ok()?;
        let is_id = bytes.iter().all(|byte| ALPHABET.contains(byte));
        is_id.then_some(Self(bytes))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| "it is no identifier".to_owned())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.as_str().to_owned()
    }
}

/// Checks the name of a tenant, which becomes part of paths: 1 to 40 of `a-z`, `0-9`
/// and `-`, beginning with a letter or digit.
///
/// # Errors
/// What is wrong with it.
pub fn check_tenant_name(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = (1..=TENANT_CHARS_MAX).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-');
    match is_name {
        true => Ok(()),
        false => Err(format!(
            "a tenant's name is 1 to {TENANT_CHARS_MAX} of a-z, 0-9 and -, and does not begin with -"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_random_and_nothing_else_is_one() {
        let (one, other) = (Id::random().unwrap(), Id::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(Id::parse(one.as_str()), Some(one));
        for wrong in [
            "",
            "..",
            "aaaaaaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaaaaaa/",
            "aaaaaaaaaaaaaaaaaaa\0",
            "Aaaaaaaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaaaaaa1",
        ] {
            assert_eq!(Id::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn names_of_tenants_are_no_paths() {
        for right in ["a", "acme-2", "0", &"a".repeat(40)] {
            assert_eq!(check_tenant_name(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "-a",
            "A",
            "a.b",
            "..",
            "a/b",
            "a\0",
            "é",
            &"a".repeat(41),
        ] {
            assert!(check_tenant_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
