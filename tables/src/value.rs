//! The value of a column in a row.

/// The value of a column in a row, as long as the row is handed on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// None.
    Null,
    /// An integer; of a column of truths, 0 or 1.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text, dates and times; UTF-8 unless the file lies.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}
