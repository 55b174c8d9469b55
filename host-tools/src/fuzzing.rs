//! Decoders of what a guest may send, for the fuzz targets.

pub use crate::broker::fuzzing::{Gated, gate};
