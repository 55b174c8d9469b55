//! Whether what Parquet and Arrow files state of their sizes can be true.
//!
//! The decoders of these formats allocate what a file states before they read it, and
//! a process that cannot allocate ends. Whoever hands them a file that somebody else
//! has made holds it against these checks first: `sql`, which makes tables of files,
//! and `natives`, which makes columns of them for guests.

mod arrow_shape;
mod compact;
mod described;
mod footer;
mod misstated;
mod parquet_shape;

pub use arrow_shape::{Shape, examine_arrow};
pub use footer::examine_footer;
pub use misstated::Misstated;
pub use parquet_shape::examine_pages;
