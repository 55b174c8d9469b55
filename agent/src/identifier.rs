//! Names that nothing else has.

use crate::Error;

/// An id that no other run has.
pub(crate) fn new_id() -> Result<String, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| Error::Worker {
        what: format!("cannot draw an id: {error}"),
    })?;
    Ok(format!("run-{:016x}", u64::from_le_bytes(bytes)))
}
