//! scrypt (RFC 7914).

use super::pbkdf2::derive;
use super::romix::mix;
use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::room::Room;
use serde::Deserialize;
use sha2_digest::Sha256;

/// What mixing a Salsa20 block costs.
const WORK_PER_BLOCK: u64 = 600;

/// Options of `kdf.scrypt`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scrypt {
    n: u64,
    r: u64,
    p: u64,
    length: u64,
}

/// The key, from a password and a salt.
pub(crate) fn scrypt(
    options: &Scrypt,
    (password, salt): (&[u8], &[u8]),
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let Scrypt { n, r, p, length } = *options;
    let wrong = |what: &str| Err(Refusal::Options(what.to_owned()));
    if n < 2 || !n.is_power_of_two() {
        return wrong("n must be a power of 2, and 2 or more");
    }
    if r == 0 || p == 0 || length == 0 || r.saturating_mul(p) >= 1 << 30 {
        return wrong("r, p and the length must be 1 or more, and r * p less than 2**30");
    }
    room.admit_output(length)?;
    let (blocks, table) = (128 * r * p, (128 * r).saturating_mul(n));
    room.admit_working(table.saturating_add(2 * blocks).saturating_add(2 * length))?;
    let mixed = n.saturating_mul(4 * r).saturating_mul(p);
    room.charge(mixed.saturating_mul(WORK_PER_BLOCK))?;
    let (Ok(cost), Ok(size)) = (usize::try_from(n), usize::try_from(128 * r)) else {
        return wrong("n and r are too large");
    };
    let mut state = derive::<Sha256>(password, salt, 1, blocks, room)?;
    for block in state.chunks_mut(size) {
        mix(block, cost, room)?;
    }
    Ok(Answer::of(derive::<Sha256>(
        password, &state, 1, length, room,
    )?))
}
