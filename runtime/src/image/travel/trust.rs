//! Authentication of machine code that comes from a store.
//!
//! Machine code runs unchecked, as this user: an attacker who chooses its bytes
//! needs no hole in the sandbox. A digest in the same store proves nothing, since
//! anyone who can write the code can write the digest. So a pull accepts code only
//! if something outside of the store authenticates it: a digest that was given by
//! other means, or the secret of the fleet. Trusting the store itself has to be asked
//! for.

use super::documents::CodeShipment;
use super::store::ImageStore;
use crate::error::Error;
use crate::image::secret::ImageSecret;

/// Which machine code a pull takes from a store. What it does not take is
/// compiled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TrustCode {
    /// Code that was pushed with the secret of this specification; none, if it
    /// names no secret. The default.
    #[default]
    Secret,
    /// The code with this digest, which
    /// [`PushedCode::digest`](super::PushedCode) told, and no other.
    Digest(String),
    /// Any code in the store. Anyone who can write to the store can then run code
    /// as this user.
    Store,
}

impl TrustCode {
    /// Whether the code may be used; in words, if not.
    ///
    /// # Errors
    /// [`Error::OtherCode`] for code that is not the one that was pinned.
    pub(super) fn judge(
        &self,
        code: &CodeShipment,
        secret: Option<&ImageSecret>,
        store: &dyn ImageStore,
    ) -> Result<Result<(), String>, Error> {
        match self {
            Self::Store => Ok(Ok(())),
            Self::Digest(expected) if *expected == code.digest() => Ok(Ok(())),
            Self::Digest(expected) => Err(Error::OtherCode {
                place: store.place(),
                expected: expected.chars().take(80).collect(),
                found: code.digest(),
            }),
            Self::Secret => Ok(vouched(code, secret)),
        }
    }
}

fn vouched(code: &CodeShipment, secret: Option<&ImageSecret>) -> Result<(), String> {
    let nobody = |why: &str| {
        Err(format!(
            "the machine code in the store is not used, since {why}; it is compiled here"
        ))
    };
    let (Some(secret), Some(said)) = (secret, &code.authentication) else {
        return nobody("it is not authenticated");
    };
    let said = blake3::Hash::from_hex(said).ok();
    // Hashes compare in constant time.
    match said == Some(secret.authenticate(code.statement().as_bytes())) {
        true => Ok(()),
        false => nobody("it was pushed with another secret, or altered"),
    }
}
