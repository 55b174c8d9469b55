//! What SQLite holds for guests: databases that they query, and a scratch that
//! sessions share.
//!
//! SQL for guests is `sql`, `list_tables` and `describe_table` over databases that
//! the operator names.
//!
//! ```text
//!  sql("SELECT …") ─► one statement? ─► a connection of the pool ─► authorizer
//!                                        │ SQLite file, or data files that are
//!                                        │ loaded into memory when mentioned
//!      DataFrame ◄── columns ◄── rows ◄──┘ clock, caps
//! ```
//! A [`Databases`] is a set of named databases: SQLite files, read-only unless
//! granted otherwise, and sets of data files ([`DataFiles`]: CSV, TSV, JSON,
//! workbooks, Parquet, Arrow) whose files appear as tables.
//!
//! # What a guest's SQL can reach
//! One database and nothing else: `authorizer` lists what is permitted, and
//! refuses the rest, `ATTACH` and every pragma that changes or reveals something
//! of the host among it. Data files are opened through a directory handle, which
//! no name and no symbolic link leaves. A SQLite file is opened by its path, as
//! resolved when the databases are built; a symbolic link put there later is
//! refused.
//!
//! # What it can use
//! [`SqlLimits`]: time, rows, columns, bytes, connections, memory. A result past
//! a cap is refused with the remedy, or cut if the call asks for it.

mod access;
mod authorizer;
mod catalog;
mod columns;
mod database;
mod databases;
mod engine;
mod error;
mod files;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod messages;
mod names;
mod parameters;
mod query;
mod schema;
mod scratch;
mod statement;
mod tools;

pub use access::Access;
pub use databases::{Databases, DatabasesBuilder};
pub use error::DatabasesError;
pub use files::{FileTable, is_folder_of_tables, read_frame, read_tables};
pub use limits::SqlLimits;
pub use memex_tables::{DataFiles, FilesError, plain_json};
pub use scratch::{
    Scratch, ScratchFile, ScratchLimits, SharedScratch, scratch_read_tools, scratch_tools,
};
