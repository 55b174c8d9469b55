//! WebP: pixels from a file, still or moving, and a file from pixels.

mod decoding;
mod encoding;
mod shape;

pub(crate) use decoding::{Decoding, decode};
pub(crate) use encoding::{Encoding, encode};
