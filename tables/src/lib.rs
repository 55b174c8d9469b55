//! Data files as tables: which files of a folder are tables, and their rows.
//!
//! ```text
//!  DataFiles ─► Selection ─► DataFile ─► Part, Part … ─► read ─► Rows
//!  what is named  an open      one table    its files     two passes: columns and
//!                 folder       and format   as Content     their types, then rows
//! ```
//! CSV, TSV, JSON, JSON lines, workbooks of Excel and of OpenDocument, Parquet and Arrow are read;
//! text also from gzip, Zstandard and zip. Nothing is unpacked to disk, no pass takes more than
//! [`Bounds`] say, and what was guessed, widened or left out is said in notes.
//!
//! The crate knows no database and no guest: [`Rows`] takes values one by one. Files are not
//! trusted; those of columns are held against `memex-columns` before their decoders see them.
//!
//! ```
//! use memex_tables::{Content, Format, Bounds, Part, Plan, Rows, Unloaded, ValueRef, read};
//! use std::time::{Duration, Instant};
//!
//! struct Sum(i64);
//!
//! impl Rows for Sum {
//!     fn set(&mut self, _column: usize, value: ValueRef<'_>) -> Result<(), Unloaded> {
//!         if let ValueRef::Integer(number) = value {
//!             self.0 += number;
//!         }
//!         Ok(())
//!     }
//!
//!     fn row(&mut self) -> Result<(), Unloaded> {
//!         Ok(())
//!     }
//! }
//!
//! let parts = [Part { content: Content::of_bytes(b"a,b\n1,2\n3,4\n"), constants: Vec::new() }];
//! let bounds = Bounds { max_bytes: 1 << 20, deadline: Instant::now() + Duration::from_secs(10) };
//! let begin = |_: &[Plan]| Ok(Sum(0));
//! let (sum, notes) = read(&parts, Format::Csv, None, &bounds, begin).unwrap();
//! assert_eq!(sum.0, 10);
//! assert!(notes.is_empty());
//! ```

mod arrow;
mod cells;
mod content;
pub mod dates;
mod decimals;
mod delimited;
mod dialect;
mod encoding;
mod error;
mod format;
mod hive;
mod json;
mod json_lines;
mod kind;
mod names;
mod ods;
mod packing;
mod plain_json;
mod reading;
mod records;
mod rows;
mod selection;
mod sheet;
mod sheet_cells;
mod table;
mod value;
mod workbook;
mod xlsx;
mod xlsx_styles;

pub use content::Content;
pub use error::FilesError;
pub use format::Format;
pub use hive::Partition;
pub use names::check_name;
pub use packing::Packing;
pub use plain_json::plain_json;
pub use reading::{Part, read};
pub use rows::{COLUMNS_MAX, Plan, Rows, Unloaded, distinct};
pub use selection::{DataFile, DataFiles, Files, Selection};
pub use table::Bounds;
pub use value::ValueRef;
