//! Data files as tables.
//!
//! A file is read when a query first mentions its table, in one transaction,
//! into a database in memory that all connections of the set share. It is read
//! again when its size or time changes.

mod arrow;
mod cells;
mod content;
mod decimals;
mod delimited;
mod dialect;
mod encoding;
mod format;
mod frame;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod hive;
mod json;
mod json_lines;
mod json_tokens;
mod kind;
mod loading;
mod ods;
mod packing;
mod place;
mod reading;
mod records;
mod selection;
mod set;
mod sheet;
mod sheet_cells;
mod table;
mod workbook;
mod xlsx;
mod xlsx_styles;

pub use frame::{FileTable, is_folder_of_tables, read_frame, read_tables};
pub use json_tokens::plain_json;
pub use selection::DataFiles;
pub(super) use set::DataSet;
