//! Columns: Parquet and Arrow files, as streams of Arrow, which the guest reads and
//! writes itself.

mod notes;
mod reading;
mod refusals;
mod unfolding;
mod writing;

pub(crate) use reading::{Plain, ReadParquet, plain, read_parquet};
pub(crate) use writing::{WriteParquet, write_parquet};
