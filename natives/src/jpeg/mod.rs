//! JPEG: pixels from a file, and a file from pixels.
//!
//! What stands around the pixels (comments, EXIF, colour profiles) is read and
//! written by the guest's own library; only the coded image comes here.

mod decoding;
mod encoding;
mod layout;
mod shrinking;

pub(crate) use decoding::{Decoding, decode};
pub(crate) use encoding::{Encoding, encode};
