//! Decoders of what a provider says, for the fuzz targets.

pub use crate::transport::fuzzing::{begins_as_events, told_to_wait};
