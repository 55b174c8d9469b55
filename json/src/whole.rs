//! A whole text of JSON, mended.

use super::scanner::Scanner;
use std::borrow::Cow;

/// A text with what [the crate](crate) mends. One that is right is given back as it is.
#[must_use]
pub fn mended(text: &[u8]) -> Cow<'_, [u8]> {
    let mut scanner = Scanner::default();
    let mut out = Vec::with_capacity(text.len());
    scanner.take(text, true, &mut out);
    match scanner.changes.is_none() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(out),
    }
}
