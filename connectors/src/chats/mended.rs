//! JSON as programs write it that keep to it nearly: with a mark of its encoding, halves of
//! characters, bytes that are no text, raw control characters, and numbers that are none.

use std::io::{Read, Result};

/// How much is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// A stream of JSON whose strings are text, whatever stood in them.
///
/// A half of a surrogate pair, and a byte that is no UTF-8, become U+FFFD; a control character
/// in a string becomes its escape; `NaN` and `Infinity` become `null`.
pub(crate) struct Mended<R> {
    inner: R,
    /// What was read and not looked at.
    raw: Vec<u8>,
    /// What was looked at and not taken.
    ready: Vec<u8>,
    taken: usize,
    in_string: bool,
    is_at_start: bool,
    is_at_end: bool,
}

impl<R: Read> Mended<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            raw: Vec::new(),
            ready: Vec::new(),
            taken: 0,
            in_string: false,
            is_at_start: true,
            is_at_end: false,
        }
    }

    /// Reads more, and looks at all that can be decided.
    fn fill(&mut self) -> Result<()> {
        let mut chunk = Vec::new();
        let count = self
            .inner
            .by_ref()
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut chunk)?;
        self.is_at_end = count == 0;
        self.raw.extend_from_slice(&chunk);
        self.ready.clear();
        self.taken = 0;
        let raw = std::mem::take(&mut self.raw);
        let mut rest = raw.as_slice();
        if self.is_at_start && (rest.len() >= 3 || self.is_at_end) {
            rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
            self.is_at_start = false;
        }
        while !self.is_at_start && !rest.is_empty() {
            let step = match self.in_string {
                true => self.within(rest),
                false => self.outside(rest),
            };
            match step {
                Some(used) => rest = rest.get(used..).unwrap_or_default(),
                None => break,
            }
        }
        self.raw = rest.to_vec();
        Ok(())
    }

    /// A step outside of strings: how many bytes it took, none if more must be seen.
    fn outside(&mut self, rest: &[u8]) -> Option<usize> {
        const NO_NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
        for word in NO_NUMBERS {
            if rest.starts_with(word) {
                self.ready.extend_from_slice(b"null");
                return Some(word.len());
            }
            if !self.is_at_end && word.starts_with(rest) {
                return None;
            }
        }
        let first = *rest.first()?;
        self.in_string = first == b'"';
        self.ready.push(first);
        Some(1)
    }

    /// A step in a string.
    fn within(&mut self, rest: &[u8]) -> Option<usize> {
        let first = *rest.first()?;
        match first {
            b'"' => {
                self.in_string = false;
                self.ready.push(first);
                Some(1)
            }
            b'\\' => self.escape(rest),
            0..=0x1f => {
                self.ready.extend(format!("\\u{first:04x}").bytes());
                Some(1)
            }
            0x20..=0x7f => {
                let plain = rest
                    .iter()
                    .position(|b| !(0x20..=0x7f).contains(b) || *b == b'"' || *b == b'\\')
                    .unwrap_or(rest.len());
                self.ready
                    .extend_from_slice(rest.get(..plain).unwrap_or_default());
                Some(plain)
            }
            _ => self.character(rest),
        }
    }

    /// A character of several bytes.
    fn character(&mut self, rest: &[u8]) -> Option<usize> {
        let near = rest.get(..rest.len().min(4)).unwrap_or_default();
        let (valid, bad) = match std::str::from_utf8(near) {
            Ok(text) => (text.len(), 0),
            Err(error) => match (error.valid_up_to(), error.error_len()) {
                (0, None) if !self.is_at_end && near.len() < 4 => return None,
                (0, None) => (0, near.len()),
                (0, Some(length)) => (0, length),
                (valid, _) => (valid, 0),
            },
        };
        if bad > 0 {
            self.ready.extend_from_slice("\u{fffd}".as_bytes());
            return Some(bad);
        }
        // One character: what follows may be the end of the string.
        let text = std::str::from_utf8(near.get(..valid)?).ok()?;
        let length = text.chars().next()?.len_utf8();
        self.ready.extend_from_slice(near.get(..length)?);
        Some(length)
    }

    /// An escape. A half of a pair stands for no character.
    fn escape(&mut self, rest: &[u8]) -> Option<usize> {
        let Some(kind) = rest.get(1) else {
            return self.last(rest, 2);
        };
        if *kind != b'u' {
            self.ready.extend_from_slice(rest.get(..2)?);
            return Some(2);
        }
        let Some(unit) = rest.get(2..6) else {
            return self.last(rest, 6);
        };
        let unit = unit_of(unit);
        let is_first = unit.is_some_and(|unit| (0xd800..0xdc00).contains(&unit));
        let is_second = unit.is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
        if is_first {
            let next = rest.get(6..12);
            if next.is_none() && !self.is_at_end {
                return None;
            }
            let pairs = next
                .and_then(|next| next.strip_prefix(b"\\u"))
                .and_then(unit_of)
                .is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
            if pairs {
                self.ready.extend_from_slice(rest.get(..12)?);
                return Some(12);
            }
        }
        match is_first || is_second {
            true => self.ready.extend_from_slice(b"\\ufffd"),
            false => self.ready.extend_from_slice(rest.get(..6)?),
        }
        Some(6)
    }

    /// Waits for more, unless there is none: then what is there passes as it is.
    fn last(&mut self, rest: &[u8], wanted: usize) -> Option<usize> {
        if !self.is_at_end {
            return None;
        }
        let there = rest.len().min(wanted);
        self.ready.extend_from_slice(rest.get(..there)?);
        Some(there)
    }
}

fn unit_of(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

impl<R: Read> Read for Mended<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.taken >= self.ready.len() && !(self.is_at_end && self.raw.is_empty()) {
            self.fill()?;
        }
        let there = self.ready.get(self.taken..).unwrap_or_default();
        let count = there.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), there.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken = self.taken.saturating_add(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte after the other.
    struct Slowly<'b>(&'b [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let count = self.0.len().min(1).min(buffer.len());
            let (now, rest) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = rest;
            Ok(count)
        }
    }

    #[test]
    fn what_is_nearly_json_becomes_json() {
        for (bytes, expect) in [
            (&b"\xef\xbb\xbf[1]"[..], "[1]"),
            (b"[\"\\ud83d\\ude00\"]", "[\"\\ud83d\\ude00\"]"),
            (
                b"[\"\\ud83d x\", \"\\ude00\", \"\\ud83d\"]",
                "[\"\\ufffd x\", \"\\ufffd\", \"\\ufffd\"]",
            ),
            (b"[\"a\xffb\xe9\"]", "[\"a\u{fffd}b\u{fffd}\"]"),
            ("[\"é😀\"]".as_bytes(), "[\"é😀\"]"),
            (b"[\"a\nb\"]", "[\"a\\u000ab\"]"),
            (b"[NaN, -Infinity, Infinity]", "[null, null, null]"),
            (b"[\"NaN \\\" \\\\\"]", "[\"NaN \\\" \\\\\"]"),
            (b"[\"\\u12", "[\"\\u12"),
            (b"", ""),
            (b"\xef", "\u{fffd}"),
        ] {
            for slowly in [false, true] {
                let mut out = Vec::new();
                match slowly {
                    true => Mended::new(Slowly(bytes)).read_to_end(&mut out).unwrap(),
                    false => Mended::new(bytes).read_to_end(&mut out).unwrap(),
                };
                let out = String::from_utf8_lossy(&out);
                assert_eq!(out, expect, "{bytes:?} {slowly}");
            }
        }
    }
}
