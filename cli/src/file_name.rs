//! `__file__` of a turn that is a file.

use crate::console::complain;
use memex_runtime::{Error, Session};

/// The working directory of a session.
const GUEST_HOME: &str = "/home/user";

/// Sets `__file__`: a path in the working directory of the guest, where the file itself
/// is not.
pub(crate) fn name_file(session: &mut Session, file: &str) -> Result<(), Error> {
    let refused = session.set_text("__file__", &format!("{GUEST_HOME}/{file}"))?;
    if let Err(refusal) = refused {
        complain(&format!("note: __file__ is not set: {}", refusal.message));
    }
    Ok(())
}
