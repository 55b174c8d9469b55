//! SHA-256 digests as the manifest writes them.

use std::fmt;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest's own bytes.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of everything `reader` yields and the number of its bytes,
    /// telling `step` the bytes of each step.
    ///
    /// # Errors
    /// The reader's own error.
    pub(crate) fn of_reader(
        reader: &mut dyn Read,
        step: &mut dyn FnMut(u64),
    ) -> io::Result<(Self, u64)> {
        Self::of_copy(reader, &mut io::sink(), step)
    }

    /// The same while all of it is written to `writer`.
    ///
    /// # Errors
    /// The reader's or the writer's own error.
    pub(crate) fn of_copy(
        reader: &mut dyn Read,
        writer: &mut dyn Write,
        step: &mut dyn FnMut(u64),
    ) -> io::Result<(Self, u64)> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        let mut total = 0;
        loop {
            let read = reader.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok((Self(hasher.finalize().into()), total));
            };
            hasher.update(bytes);
            writer.write_all(bytes)?;
            total += read as u64;
            step(read as u64);
        }
    }
}

impl From<Sha256Digest> for String {
    fn from(digest: Sha256Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Sha256Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refusal =
            || format!("`{text}` is not a SHA-256 digest: write 64 lower-case hex digits");
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(refusal());
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            for digit in pair {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return Err(refusal()),
                };
                *byte = *byte << 4 | value;
            }
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
