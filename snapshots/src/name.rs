//! Names of sessions.

use crate::Error;

/// The longest session name.
pub const SESSION_NAME_BYTES_MAX: usize = 100;

/// Whether `name` may name a session: 1 to 100 of `A-Z a-z 0-9 . _ -`, and no
/// dot in front.
///
/// A name is a file name in some stores, so this is all that keeps it from
/// being a path.
///
/// # Errors
/// [`Error::Name`] if not.
pub fn check_session_name(name: &str) -> Result<(), Error> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > SESSION_NAME_BYTES_MAX {
        "it is longer than 100 characters"
    } else if name.starts_with('.') {
        "it starts with a dot"
    } else if !name.bytes().all(is_allowed) {
        "it holds a character that names cannot have"
    } else {
        return Ok(());
    };
    Err(Error::Name {
        name: name.chars().take(120).collect(),
        reason,
    })
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}
