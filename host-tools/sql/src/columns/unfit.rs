//! Why a value does not fit.

/// A value that a column cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Text that is no UTF-8.
    NotUtf8,
    /// Bytes or an infinity beside values of another type.
    Mixed,
}
