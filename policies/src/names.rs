//! The rule for names of files and directories that the host creates.

use crate::suggestions::quoted;

/// The longest plain name, in bytes. File systems take 255; the rest is left
/// for an ending.
pub const PLAIN_NAME_BYTES_MAX: usize = 200;

/// A text that is no plain name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a plain name: {reason}", quoted(name))]
pub struct NameError {
    /// The text.
    pub name: String,
    /// The problem.
    pub reason: &'static str,
}

/// Whether `name` is a plain name: one component of a path, on every system,
/// which names neither its own directory nor the one above, is not
/// hidden, and reads as what it is.
///
/// Every name that arrives as data (the id of a memory, a key of the cache, a
/// shared scratch, the documents of a task) is held against this rule before
/// it becomes a part of a path. Rules for particular names may be narrower and
/// never wider.
///
/// # Errors
/// [`NameError`] if it is empty, longer than [`PLAIN_NAME_BYTES_MAX`], begins
/// with a dot, begins or ends with white space, or has a slash, a backslash, a
/// control character, or one that changes the direction of text.
///
/// ```
/// use memex_policies::check_plain_name;
///
/// assert!(check_plain_name("notes of 2026").is_ok());
/// for name in ["", ".", "..", "a/b", "a/", "..\\a", ".hidden", "a\0"] {
///     assert!(check_plain_name(name).is_err());
/// }
/// ```
pub fn check_plain_name(name: &str) -> Result<(), NameError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > PLAIN_NAME_BYTES_MAX {
        "it is longer than 200 bytes"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else if name.contains(['/', '\\']) {
        "it has a slash or backslash"
    } else if name.contains(char::is_control) {
        "it has a control character"
    } else if name.contains(turns_text) {
        "it has a character that changes the direction of text"
    } else if name.trim() != name {
        "it begins or ends with white space"
    } else {
        return Ok(());
    };
    Err(NameError {
        name: name.to_owned(),
        reason,
    })
}

/// Whether `path` is a relative path of plain names, with slashes in between.
///
/// # Errors
/// [`NameError`] for the first component that is no plain name.
pub fn check_plain_path(path: &str) -> Result<(), NameError> {
    path.split('/').try_for_each(check_plain_name)
}

/// Bidirectional controls: they make a name look like another.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
