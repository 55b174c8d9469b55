//! Names of databases, tables and columns.

use super::error::DatabasesError;

const NAME_MAX_BYTES: usize = 64;

/// Names that need no quoting, in SQL and in Python.
pub(super) fn check_name(name: &str) -> Result<(), DatabasesError> {
    let plain = name.len() <= NAME_MAX_BYTES
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain {
        return Ok(());
    }
    Err(DatabasesError::Name {
        name: name.to_owned(),
    })
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
