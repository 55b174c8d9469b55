//! What a model's answer may take as values, told before it is parsed.

use memex_channel::TreeSize;

use crate::ModelError;

/// What one answer, event or call may take as values. A text of small empty objects takes a
/// hundred times its bytes.
pub(crate) const VALUES_BYTES_MAX: usize = 256 << 20;

/// What a value takes that is kept.
pub(crate) fn size_of(value: &serde_json::Value) -> usize {
    TreeSize::of(value.to_string().as_bytes())
}

/// Holds a JSON text of a provider against [`VALUES_BYTES_MAX`].
///
/// # Errors
/// [`ModelError::TooLarge`].
pub(crate) fn check_values(json: &[u8], what: &'static str) -> Result<(), ModelError> {
    match TreeSize::of(json) > VALUES_BYTES_MAX {
        true => Err(ModelError::TooLarge {
            what,
            limit: VALUES_BYTES_MAX as u64,
        }),
        false => Ok(()),
    }
}
