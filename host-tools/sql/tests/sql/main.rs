//! The SQL tools, as a broker calls them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounds;
mod calls;
mod data_files;
mod dialects;
mod file_sets;
mod refusals;
mod results;
mod schemas;
mod support;
mod table_kinds;
mod text_files;
mod workbooks;
