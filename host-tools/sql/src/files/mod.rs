//! Data files as tables.
//!
//! A file is read when a query first mentions its table, in one transaction,
//! into a database in memory that all connections of the set share. It is read
//! again when its size or time changes.

mod arrow;
mod cells;

mod delimited;
mod frame;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod json_lines;
mod kind;
mod loading;
mod selection;
mod set;

pub use frame::read_frame;
pub use selection::DataFiles;
pub(super) use set::DataSet;
