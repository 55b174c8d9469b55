//! Names of tables.

use super::error::FilesError;

const NAME_MAX_BYTES: usize = 64;

/// Checks a name that needs no quoting, in SQL and in Python.
///
/// # Errors
/// [`FilesError::Name`].
pub fn check_name(name: &str) -> Result<(), FilesError> {
    let plain = name.len() <= NAME_MAX_BYTES
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain {
        return Ok(());
    }
    Err(FilesError::Name {
        name: name.to_owned(),
    })
}
