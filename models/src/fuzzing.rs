//! Decoders of what a provider says, for the fuzz targets.

pub use crate::transport::fuzzing::told_to_wait;
