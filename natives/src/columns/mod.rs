//! Columns: Parquet and Arrow files, as streams of Arrow, which the guest reads and
//! writes itself.

mod reading;
mod refusals;
mod writing;

pub(crate) use reading::{Plain, ReadParquet, plain, read_parquet};
pub(crate) use writing::{WriteParquet, write_parquet};
