//! What is written: a key with a value, or that there is none any more.

/// The longest key.
pub const KEY_BYTES_MAX: usize = 512;
/// The longest value.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// One change of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    pub(crate) key: &'a [u8],
    /// None removes the key.
    pub(crate) value: Option<&'a [u8]>,
    /// Whether it may use the room that is kept for a full disk.
    pub(crate) frees: bool,
}

impl<'a> Change<'a> {
    /// Gives a key a value, in place of the one that it may have.
    #[must_use]
    pub fn put(key: &'a [u8], value: &'a [u8]) -> Self {
        Self {
            key,
            value: Some(value),
            frees: false,
        }
    }

    /// Removes a key, which need not be there. Room for this is kept on a full disk.
    #[must_use]
    pub fn remove(key: &'a [u8]) -> Self {
        Self {
            key,
            value: None,
            frees: true,
        }
    }

    /// The same change, by which something larger becomes free: it may use the room that
    /// is kept for a full disk.
    #[must_use]
    pub fn freeing(self) -> Self {
        Self {
            frees: true,
            ..self
        }
    }
}
