//! Zstandard: frames of compressed bytes, written and read whole.
//!
//! The guest keeps what belongs to a stream, and finds where a frame ends; a frame
//! comes here in one piece. What a large one holds is read window by window.

mod compressing;
mod decompressing;
mod parts;

pub(crate) use compressing::{Compressing, compress};
pub(crate) use decompressing::{Decompressing, decompress};
