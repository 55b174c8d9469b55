//! Tokens of single sandboxes: what the code in a client's hands shows instead of a key.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::files::{read_private, write_private};
use crate::names::Id;
use crate::random;

const SECRET_BYTES: usize = 32;
const SECRET_FILE: &str = "secret";

/// Makes and checks tokens. A token names the key that asked for it and holds a keyed digest
/// of that and the sandbox's name, so none is kept. Each stays valid over restarts of the
/// server, for as long as its key does.
pub(crate) struct Tokens([u8; SECRET_BYTES]);

impl Tokens {
    /// Reads the secret of a directory, or makes one there.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(SECRET_FILE);
        if let Some(bytes) = read_private(&path, SECRET_BYTES)? {
            let secret = bytes.try_into().map_err(|_| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "{} is damaged; remove it, and all tokens end",
                        path.display()
                    ),
                )
            })?;
            return Ok(Self(secret));
        }
        let mut secret = [0; SECRET_BYTES];
        random::fill(&mut secret)?;
        write_private(&path, &secret, true)?;
        Ok(Self(secret))
    }

    /// Tokens by this secret.
    #[cfg(feature = "fuzzing")]
    pub(super) fn of_secret(secret: [u8; SECRET_BYTES]) -> Self {
        Self(secret)
    }

    /// The token of a sandbox for a key, by the key's name.
    pub(crate) fn of(&self, id: &Id, key: &str) -> String {
        let digest = URL_SAFE_NO_PAD.encode(self.digest(id, key).as_bytes());
        format!("{key}.{digest}")
    }

    /// The key that a token of the sandbox was made for. The digest is compared in constant
    /// time; whether the key is still valid is for the caller to check.
    pub(crate) fn key_of<'t>(&self, id: &Id, token: &'t str) -> Option<&'t str> {
        let (key, digest) = token.rsplit_once('.')?;
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(digest).ok()?.try_into().ok()?;
        (self.digest(id, key) == blake3::Hash::from_bytes(bytes)).then_some(key)
    }

    fn digest(&self, id: &Id, key: &str) -> blake3::Hash {
        // The names of sandboxes are of one length, so that no two pairs are the same text.
        blake3::keyed_hash(&self.0, format!("{id}.{key}").as_bytes())
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_sandbox_and_survives_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(directory.path()).unwrap();
        let (one, other) = (Id::random().unwrap(), Id::random().unwrap());
        let token = tokens.of(&one, "key");
        assert_eq!(tokens.key_of(&one, &token), Some("key"));
        let another = token.replacen("key", "kez", 1);
        for wrong in ["", ".", "key.", &token[1..], &another] {
            assert_eq!(tokens.key_of(&one, wrong), None, "{wrong}");
        }
        assert_eq!(tokens.key_of(&other, &token), None);
        let again = Tokens::open(directory.path()).unwrap();
        assert_eq!(again.key_of(&one, &token), Some("key"));
        let elsewhere = tempfile::tempdir().unwrap();
        let elsewhere = Tokens::open(elsewhere.path()).unwrap();
        assert_eq!(elsewhere.key_of(&one, &token), None);
    }
}
