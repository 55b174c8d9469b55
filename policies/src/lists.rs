//! How many entries a list of a policy may have.

use crate::error::Error;

/// The most entries of one list of grants.
const ENTRIES_MAX: usize = 1_024;

/// Refuses a list of more than [`ENTRIES_MAX`] entries, which keeps the
/// comparison of each with each cheap.
pub(crate) fn check_entries(list: &'static str, count: usize) -> Result<(), Error> {
    if count > ENTRIES_MAX {
        return Err(Error::TooMany {
            list,
            maximum: ENTRIES_MAX,
        });
    }
    Ok(())
}
