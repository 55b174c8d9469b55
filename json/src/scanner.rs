//! One pass over a text, in pieces of any size.

use super::changes::Changes;

/// Numbers that JSON does not have, as languages write them.
const NO_NUMBERS: [&[u8]; 6] = [b"NaN", b"nan", b"-NaN", b"-nan", b"Infinity", b"-Infinity"];
/// A number or a name that is longer is looked at in parts: it is not one of [`NO_NUMBERS`].
const WORD_MAX_BYTES: usize = 16;
const MARK: &[u8] = b"\xef\xbb\xbf";
const REPLACEMENT: &str = "\u{fffd}";
const ESCAPED_REPLACEMENT: &[u8] = b"\\ufffd";

/// Where in a text it is.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    has_begun: bool,
    in_string: bool,
    pub(super) changes: Changes,
}

impl Scanner {
    /// Appends to `out` what the next bytes become, and says how many of `text` are done with:
    /// all of them if `is_last`, otherwise up to a place at which more must be seen.
    pub(super) fn take(&mut self, text: &[u8], is_last: bool, out: &mut Vec<u8>) -> usize {
        let mut rest = text;
        if !self.has_begun {
            if rest.len() < MARK.len() && !is_last {
                return 0;
            }
            self.has_begun = true;
            if let Some(after) = rest.strip_prefix(MARK) {
                self.changes.mark = true;
                rest = after;
            }
        }
        while !rest.is_empty() {
            let step = match self.in_string {
                true => self.inside(rest, is_last, out),
                false => self.outside(rest, is_last, out),
            };
            match step {
                Some(used) => rest = rest.get(used..).unwrap_or_default(),
                None => break,
            }
        }
        text.len() - rest.len()
    }

    /// A step outside of strings: how many bytes it used, none if more must be seen.
    fn outside(&mut self, rest: &[u8], is_last: bool, out: &mut Vec<u8>) -> Option<usize> {
        let first = *rest.first()?;
        if first == b'"' {
            self.in_string = true;
            out.push(first);
            return Some(1);
        }
        if !is_word(first) {
            let between = rest.iter().position(|byte| is_word(*byte) || *byte == b'"');
            return copied(rest, between.unwrap_or(rest.len()), out);
        }
        let word = rest.get(..rest.len().min(WORD_MAX_BYTES))?;
        let length = match word.iter().position(|byte| !is_word(*byte)) {
            Some(length) => length,
            None if word.len() == WORD_MAX_BYTES || is_last => word.len(),
            None => return None,
        };
        if NO_NUMBERS.contains(&word.get(..length)?) {
            self.changes.numbers += 1;
            out.extend_from_slice(b"null");
            return Some(length);
        }
        copied(rest, length, out)
    }

    /// A step in a string.
    fn inside(&mut self, rest: &[u8], is_last: bool, out: &mut Vec<u8>) -> Option<usize> {
        let first = *rest.first()?;
        match first {
            b'"' => {
                self.in_string = false;
                copied(rest, 1, out)
            }
            b'\\' => self.escape(rest, is_last, out),
            0..=0x1f => {
                self.changes.controls += 1;
                out.extend(format!("\\u{first:04x}").bytes());
                Some(1)
            }
            0x20..=0x7f => {
                let is_plain = |b: &u8| (0x20..=0x7f).contains(b) && *b != b'"' && *b != b'\\';
                let end = rest.iter().position(|byte| !is_plain(byte));
                copied(rest, end.unwrap_or(rest.len()), out)
            }
            _ => self.characters(rest, is_last, out),
        }
    }

    /// Characters of several bytes each, or bytes that are none.
    fn characters(&mut self, rest: &[u8], is_last: bool, out: &mut Vec<u8>) -> Option<usize> {
        let end = rest.iter().position(u8::is_ascii).unwrap_or(rest.len());
        let run = rest.get(..end)?;
        match std::str::from_utf8(run) {
            Ok(_) => copied(rest, end, out),
            Err(error) if error.valid_up_to() > 0 => copied(rest, error.valid_up_to(), out),
            // A character whose end has not come yet.
            Err(error) if error.error_len().is_none() && end == rest.len() && !is_last => None,
            Err(error) => {
                self.changes.characters += 1;
                out.extend_from_slice(REPLACEMENT.as_bytes());
                Some(error.error_len().unwrap_or(end))
            }
        }
    }

    /// An escape. Half of a surrogate pair is no character.
    fn escape(&mut self, rest: &[u8], is_last: bool, out: &mut Vec<u8>) -> Option<usize> {
        let is_whole = |length: usize| rest.len() >= length || is_last;
        if rest.get(1) != Some(&b'u') {
            return is_whole(2).then(|| copied(rest, 2, out)).flatten();
        }
        let Some(unit) = unit_of(rest) else {
            // Cut off, or no escape: the parser says so. A quote among the digits ends the string.
            return is_whole(6).then(|| copied(rest, 2, out)).flatten();
        };
        let is_first = (0xd800..0xdc00).contains(&unit);
        let is_second = |unit: u32| (0xdc00..0xe000).contains(&unit);
        if is_first {
            let next = rest.get(6..).unwrap_or_default();
            if next.len() < 6 && b"\\u".starts_with(next.get(..2).unwrap_or(next)) && !is_last {
                return None;
            }
            if unit_of(next).is_some_and(is_second) {
                return copied(rest, 12, out);
            }
        }
        if is_first || is_second(unit) {
            self.changes.characters += 1;
            out.extend_from_slice(ESCAPED_REPLACEMENT);
            return Some(6);
        }
        copied(rest, 6, out)
    }
}

/// What numbers and names are made of.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_')
}

/// The code unit of the escape with which a text begins.
fn unit_of(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    // `from_str_radix` takes a sign.
    let is_digits = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_digits)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Passes on the beginning of a text.
fn copied(text: &[u8], length: usize, out: &mut Vec<u8>) -> Option<usize> {
    let length = length.min(text.len());
    out.extend_from_slice(text.get(..length)?);
    Some(length)
}
