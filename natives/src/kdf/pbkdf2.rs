//! PBKDF2 (RFC 8018) with HMAC.

use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::room::Room;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use serde::Deserialize;

/// Iterations between two looks at the interrupt.
const LOOK_EVERY: u64 = 1024;
/// What an iteration costs: two blocks of a hash.
const WORK_PER_ITERATION: u64 = 4_000;

/// Options of `kdf.pbkdf2`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pbkdf2 {
    hash: Hash,
    iterations: u64,
    length: u64,
}

/// The hashes, by the names that `hashlib` has for them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The key, from a password and a salt.
pub(crate) fn pbkdf2(
    options: &Pbkdf2,
    (password, salt): (&[u8], &[u8]),
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    if options.iterations == 0 || options.length == 0 {
        return Err(Refusal::Options(
            "iterations and length are 1 or more".to_owned(),
        ));
    }
    room.admit_output(options.length)?;
    room.admit_working(2 * options.length)?;
    let (iterations, length) = (options.iterations, options.length);
    let key = match options.hash {
        Hash::Md5 => derive::<md5::Md5>(password, salt, iterations, length, room),
        Hash::Sha1 => derive::<sha1::Sha1>(password, salt, iterations, length, room),
        Hash::Sha224 => derive::<sha2_digest::Sha224>(password, salt, iterations, length, room),
        Hash::Sha256 => derive::<sha2_digest::Sha256>(password, salt, iterations, length, room),
        Hash::Sha384 => derive::<sha2_digest::Sha384>(password, salt, iterations, length, room),
        Hash::Sha512 => derive::<sha2_digest::Sha512>(password, salt, iterations, length, room),
    }?;
    Ok(Answer::of(key))
}

/// The first `length` bytes of the key.
pub(super) fn derive<D: EagerHash>(
    password: &[u8],
    salt: &[u8],
    iterations: u64,
    length: u64,
    room: &Room<'_>,
) -> Result<Vec<u8>, Refusal> {
    let keyed = <Hmac<D> as KeyInit>::new_from_slice(password)
        .map_err(|error| Refusal::Options(error.to_string()))?;
    let mut key = Vec::new();
    let mut number: u32 = 0;
    while (key.len() as u64) < length {
        number = number
            .checked_add(1)
            .ok_or_else(|| Refusal::Options("the key is too long".to_owned()))?;
        room.charge(iterations.saturating_mul(WORK_PER_ITERATION))?;
        let mut mac = keyed.clone();
        mac.update(salt);
        mac.update(&number.to_be_bytes());
        let mut last = mac.finalize().into_bytes();
        let mut block = last.clone();
        for iteration in 1..iterations {
            if iteration % LOOK_EVERY == 0 {
                room.look()?;
            }
            let mut mac = keyed.clone();
            mac.update(&last);
            last = mac.finalize().into_bytes();
            for (sum, byte) in block.iter_mut().zip(&last) {
                *sum ^= byte;
            }
        }
        room.look()?;
        let left = usize::try_from(length - key.len() as u64).unwrap_or(usize::MAX);
        key.extend(block.iter().take(left));
    }
    Ok(key)
}
