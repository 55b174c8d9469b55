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

/// Makes and checks tokens. A token is a keyed digest of the sandbox's name, so none is
/// kept, and each stays valid over restarts of the server.
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

    /// The token of a sandbox.
    pub(crate) fn of(&self, id: &Id) -> String {
        URL_SAFE_NO_PAD.encode(self.digest(id).as_bytes())
    }

    /// Whether a text is the token of a sandbox, in constant time.
    pub(crate) fn is_of(&self, id: &Id, token: &str) -> bool {
        let decoded = URL_SAFE_NO_PAD.decode(token).ok();
        let bytes: Option<[u8; 32]> = decoded.and_then(|bytes| bytes.try_into().ok());
        bytes.is_some_and(|bytes| self.digest(id) == blake3::Hash::from_bytes(bytes))
    }

    fn digest(&self, id: &Id) -> blake3::Hash {
        blake3::keyed_hash(&self.0, id.as_str().as_bytes())
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
        let token = tokens.of(&one);
        assert!(tokens.is_of(&one, &token) && !tokens.is_of(&other, &token));
        assert!(!tokens.is_of(&one, "") && !tokens.is_of(&one, &token[1..]));
        let again = Tokens::open(directory.path()).unwrap();
        assert!(again.is_of(&one, &token));
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(!Tokens::open(elsewhere.path()).unwrap().is_of(&one, &token));
    }
}
