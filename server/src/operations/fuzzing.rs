//! The audit log, for the fuzz target.

use std::io;
use std::path::Path;

use super::audit::{Audit, Event};
use super::chain::{FILE, verify};

/// Goes on with a log of these bytes in a directory of its own: a log that is whole stays so,
/// wherever a kill has cut it.
///
/// # Errors
/// What the system says, and what does not hold.
pub fn check_log(directory: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = directory.join(FILE);
    std::fs::write(&path, bytes)?;
    let before = verify(&path)?;
    let audit = Audit::open(directory, u64::MAX)?;
    audit.record(&Event::default());
    drop(audit);
    let after = verify(&path)?;
    match (&before, &after) {
        (Ok(before), Ok(after)) if after.lines == before.lines + 1 => Ok(()),
        (Err(_), _) => Ok(()),
        _ => Err(io::Error::other(format!(
            "{before:?} before, {after:?} after"
        ))),
    }
}
