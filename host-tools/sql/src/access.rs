//! What SQL may do with a file.

/// What a guest's SQL may do with a SQLite file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Read.
    #[default]
    ReadOnly,
    /// Read, change rows, and create, alter and drop tables, indexes and views.
    ReadWrite,
}
