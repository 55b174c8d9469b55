//! The secret that an image is built with.

use crate::error::Error;
use std::fmt;

/// Fewest bytes that a secret is made from: as many as it has itself.
const GIVEN_BYTES_MIN: usize = 32;
/// Most bytes that a secret is made from.
const GIVEN_BYTES_MAX: usize = 4096;

const BASE: &str = "memex image secret v1";
const BOOT: &str = "memex image secret v1: random bytes of the boot";
const TAG: &str = "memex image secret v1: tag";
const CODE: &str = "memex image secret v1: authentication of machine code";

/// What the guest's random bytes follow from while an image is built: above all
/// the secret by which CPython hashes strings, which every session of the image
/// has. Builds with equal secrets (and equal other inputs) give equal bytes.
///
/// It is never shown: not by `Debug`, not in a key, a record or a message. What
/// names it is a [`tag`](Self::tag), from which it cannot be found. Guests do
/// not get it either, but only bytes that are derived from it for their boot.
#[derive(Clone)]
pub struct ImageSecret([u8; 32]);

impl ImageSecret {
    /// The secret that follows from a text or from bytes, such as those of a
    /// file: 32 to 4,096 of them, which must be hard to guess.
    ///
    /// # Errors
    /// [`Error::Secret`] for fewer or more.
    pub fn from_bytes(given: &[u8]) -> Result<Self, Error> {
        let reason = match given.len() {
            0..GIVEN_BYTES_MIN => "too short",
            GIVEN_BYTES_MIN..=GIVEN_BYTES_MAX => {
                return Ok(Self(blake3::derive_key(BASE, given)));
            }
            _ => "too long",
        };
        Err(Error::Secret { reason })
    }

    /// Most bytes that [`from_bytes`](Self::from_bytes) takes.
    pub const GIVEN_BYTES_MAX: usize = GIVEN_BYTES_MAX;

    /// Bytes of a new random secret.
    pub(super) fn random_bytes() -> Result<[u8; 32], Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::system("draw random bytes")(std::io::Error::other(error.to_string()))
        })?;
        Ok(bytes)
    }

    /// What names the secret without telling it: 32 hexadecimal digits.
    #[must_use]
    pub fn tag(&self) -> String {
        let tag = blake3::keyed_hash(&blake3::derive_key(TAG, &self.0), b"");
        tag.to_hex().chars().take(32).collect()
    }

    /// The stream of the guest's random bytes while it boots.
    pub(crate) fn boot_stream(&self) -> blake3::OutputReader {
        blake3::Hasher::new_keyed(&blake3::derive_key(BOOT, &self.0)).finalize_xof()
    }

    /// What only those who have the secret can say of machine code.
    pub(super) fn authenticate(&self, statement: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&blake3::derive_key(CODE, &self.0), statement)
    }
}

impl PartialEq for ImageSecret {
    fn eq(&self, other: &Self) -> bool {
        // Hashes compare in constant time.
        blake3::Hash::from_bytes(self.0) == blake3::Hash::from_bytes(other.0)
    }
}

impl Eq for ImageSecret {}

impl fmt::Debug for ImageSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImageSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::ImageSecret;

    #[test]
    fn a_secret_is_never_shown_and_its_uses_have_nothing_in_common() {
        let text = "a secret that is thirty-two bytes or more";
        let secret = ImageSecret::from_bytes(text.as_bytes()).unwrap();
        let mut boot = [0; 32];
        secret.boot_stream().fill(&mut boot);
        let shown = [
            format!("{secret:?}"),
            secret.tag(),
            blake3::Hash::from_bytes(boot).to_string(),
            secret.authenticate(b"").to_string(),
        ];
        let own = blake3::Hash::from_bytes(secret.0).to_string();
        for (index, one) in shown.iter().enumerate() {
            assert!(!one.contains("thirty") && !one.contains(&own), "{one}");
            for other in shown.iter().skip(index + 1) {
                let begin: String = other.chars().take(16).collect();
                assert!(!one.contains(&begin), "{one} {other}");
            }
        }
        let same = ImageSecret::from_bytes(text.as_bytes()).unwrap();
        assert_eq!((&same, same.tag()), (&secret, secret.tag()));
        let other = ImageSecret::from_bytes(&[text.as_bytes(), b"."].concat()).unwrap();
        assert!(other != secret && other.tag() != secret.tag());
    }

    #[test]
    fn a_secret_has_bounds() {
        for (length, expected) in [
            (0, "too short"),
            (31, "too short"),
            (32, ""),
            (4096, ""),
            (4097, "too long"),
        ] {
            let told = match ImageSecret::from_bytes(&vec![1; length]) {
                Ok(_) => String::new(),
                Err(error) => error.to_string(),
            };
            assert_eq!(told.is_empty(), expected.is_empty(), "{length}: {told}");
            assert!(told.contains(expected), "{length}: {told}");
        }
    }
}
