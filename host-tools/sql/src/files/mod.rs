//! Data files as tables.
//!
//! A file is read when a query first mentions its table, in one transaction,
//! into a database in memory that all connections of the set share. It is read
//! again when its size or time changes.

mod frame;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod loading;
mod place;
mod set;

pub use frame::{FileTable, is_folder_of_tables, read_frame, read_tables};
pub(super) use set::DataSet;
