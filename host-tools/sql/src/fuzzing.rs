//! Readers of data files, for the fuzz targets.

pub use crate::files::fuzzing::{TextFiles, TextForm};
