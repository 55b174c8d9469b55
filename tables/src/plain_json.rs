//! A file of JSON as text that a parser takes.

use super::encoding::decoded;
use memex_json::mended;
use std::io::{self, Read};

/// JSON as its standard has it, of JSON as programs write it: in UTF-8, and with what
/// [`memex_json`] mends.
///
/// # Errors
/// None; reading bytes does not fail.
pub fn plain_json(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (_, mut text) =
        decoded(Box::new(bytes)).map_err(|_| io::Error::other("the text cannot be decoded"))?;
    let mut plain = Vec::new();
    text.read_to_end(&mut plain)?;
    Ok(mended(&plain).into_owned())
}
