//! What a place in a text may stand for: the byte that is there, and what it
//! escapes.
//!
//! Each place is read on its own, so that a secret is found also where every
//! byte of it is escaped in another way.

use std::ops::RangeInclusive;

/// How often an escape may have been escaped again.
const AGAIN_MAX: usize = 3;
/// Backslashes that such an escape begins with at most.
const BACKSLASHES_MAX: usize = 1 << AGAIN_MAX;
/// Blanks that a line which was wrapped may begin with.
const INDENTATION_MAX: usize = 64;

/// Signs that may stand for another byte, or for none, together with what
/// follows them.
pub(super) const SIGNS: &[u8] = b"%\\&=\0\r\n: -";

/// The byte that some alphabets write in place of this one.
pub(super) fn other_sign(byte: u8) -> Option<u8> {
    match byte {
        // Forms write a space as `+`; who decodes base64 as a form, the reverse.
        b'+' => Some(b' '),
        b' ' => Some(b'+'),
        // The alphabet of base64 for URLs.
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        _ => None,
    }
}

/// One way to read a place: the bytes it stands for, none for what only wraps a
/// text, and the place behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    bytes: [u8; 4],
    count: usize,
    pub(super) end: usize,
}

impl Reading {
    /// In lower case.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }
}

/// All readings of one place.
#[derive(Debug, Default)]
pub(super) struct Readings {
    all: Vec<Reading>,
}

impl Readings {
    pub(super) fn all(&self) -> &[Reading] {
        &self.all
    }

    /// Reads the place `at`.
    pub(super) fn read(&mut self, text: &[u8], at: usize) {
        self.all.clear();
        let Some(first) = text.get(at).copied() else {
            return;
        };
        self.byte(first, at + 1);
        match first {
            b'%' => self.percent(text, at + 1),
            b'\\' => self.backslashes(text, at),
            b'&' => self.entity(text, at + 1),
            b'=' => self.quoted_printable(text, at + 1),
            b'\n' => self.indentation(text, at + 1),
            b':' | b' ' | b'-' if is_between_digits(text, at) => self.nothing(at + 1),
            _ => {}
        }
    }

    fn push(&mut self, bytes: &[u8], end: usize) {
        let mut reading = Reading {
            bytes: [0; 4],
            count: bytes.len().min(4),
            end,
        };
        for (slot, byte) in reading.bytes.iter_mut().zip(bytes) {
            *slot = byte.to_ascii_lowercase();
        }
        if !self.all.contains(&reading) {
            self.all.push(reading);
        }
    }

    fn nothing(&mut self, end: usize) {
        self.push(&[], end);
    }

    fn byte(&mut self, byte: u8, end: usize) {
        self.push(&[byte], end);
        if let Some(other) = other_sign(byte) {
            self.push(&[other], end);
        }
        // Line ends wrap encoded text; every second byte of UTF-16 is zero.
        if matches!(byte, b'\r' | b'\n' | 0) {
            self.nothing(end);
        }
    }

    /// A code point, and the byte that has its number in Latin-1.
    fn code_point(&mut self, code: u32, end: usize) {
        if let Ok(byte) = u8::try_from(code) {
            self.byte(byte, end);
        }
        if let Some(c) = char::from_u32(code).filter(|c| !c.is_ascii()) {
            self.push(c.encode_utf8(&mut [0; 4]).as_bytes(), end);
        }
    }

    /// `%41`, `%u0041`, and `%2541` for what was encoded again.
    fn percent(&mut self, text: &[u8], at: usize) {
        let mut place = at;
        for _ in 0..=AGAIN_MAX {
            if let Some((code, end)) = number(text, place, 16, 2..=2) {
                self.byte(u8::try_from(code).unwrap_or_default(), end);
            }
            if matches!(text.get(place), Some(b'u' | b'U'))
                && let Some((code, end)) = number(text, place + 1, 16, 4..=4)
            {
                self.code_point(code, end);
            }
            if !starts_with(text, place, b"25") {
                return;
            }
            place += 2;
        }
    }

    /// A backslash, one that was escaped again and again, and what the last of
    /// a row of them escapes.
    fn backslashes(&mut self, text: &[u8], at: usize) {
        let row = text.get(at..).unwrap_or_default();
        let count = row
            .iter()
            .take(BACKSLASHES_MAX + 1)
            .take_while(|byte| **byte == b'\\')
            .count();
        for times in 1..=AGAIN_MAX {
            if count >= 1 << times {
                self.byte(b'\\', at + (1 << times));
            }
        }
        if count <= BACKSLASHES_MAX {
            self.escape(text, at + count, count);
        }
    }

    /// What stands behind `count` backslashes.
    fn escape(&mut self, text: &[u8], at: usize, count: usize) {
        let Some(sign) = text.get(at).copied() else {
            return;
        };
        self.byte(sign, at + 1);
        match sign {
            b'u' if text.get(at + 1) == Some(&b'{') => {
                if let Some((code, end)) = number(text, at + 2, 16, 1..=6)
                    && text.get(end) == Some(&b'}')
                {
                    self.code_point(code, end + 1);
                }
            }
            b'u' => self.code_unit(text, at + 1, count),
            b'U' => {
                if let Some((code, end)) = number(text, at + 1, 16, 8..=8) {
                    self.code_point(code, end);
                }
            }
            b'x' => {
                if let Some((code, end)) = number(text, at + 1, 16, 2..=2) {
                    self.code_point(code, end);
                }
            }
            b'0'..=b'7' => {
                if let Some((code, end)) = number(text, at, 8, 1..=3) {
                    self.code_point(code & 0xff, end);
                }
            }
            _ => {
                const CONTROLS: &[(u8, u8)] = &[
                    (b'a', 7),
                    (b'b', 8),
                    (b't', 9),
                    (b'n', 10),
                    (b'v', 11),
                    (b'f', 12),
                    (b'r', 13),
                    (b'e', 27),
                ];
                if let Some((_, control)) = CONTROLS.iter().find(|(name, _)| *name == sign) {
                    self.byte(*control, at + 1);
                }
            }
        }
    }

    /// Four digits of UTF-16, and four more where the first are half a character.
    fn code_unit(&mut self, text: &[u8], at: usize, backslashes: usize) {
        let Some((high, end)) = number(text, at, 16, 4..=4) else {
            return;
        };
        self.code_point(high, end);
        let second = text.get(end..end + backslashes).unwrap_or_default();
        let is_escaped = !second.is_empty() && second.iter().all(|byte| *byte == b'\\');
        if !(0xd800..0xdc00).contains(&high)
            || !is_escaped
            || text.get(end + backslashes) != Some(&b'u')
        {
            return;
        }
        if let Some((low, end)) = number(text, end + backslashes + 1, 16, 4..=4)
            && (0xdc00..0xe000).contains(&low)
        {
            self.code_point(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), end);
        }
    }

    /// `&#65;`, `&#x41;`, `&lt;`, and `&amp;lt;` for what was escaped again.
    fn entity(&mut self, text: &[u8], at: usize) {
        let mut place = at;
        for _ in 0..=AGAIN_MAX {
            if text.get(place) == Some(&b'#') {
                let found = match text.get(place + 1) {
                    Some(b'x' | b'X') => number(text, place + 2, 16, 1..=8),
                    _ => number(text, place + 1, 10, 1..=9),
                };
                if let Some((code, end)) = found {
                    self.code_point(code, end);
                    if text.get(end) == Some(&b';') {
                        self.code_point(code, end + 1);
                    }
                }
            }
            for (name, byte) in ENTITIES {
                if starts_with(text, place, name) {
                    self.byte(*byte, place + name.len());
                }
            }
            if !starts_with(text, place, b"amp;") {
                return;
            }
            place += 4;
        }
    }

    /// `=41` of mail, and the `=` at the end of a line that goes on.
    fn quoted_printable(&mut self, text: &[u8], at: usize) {
        if let Some((code, end)) = number(text, at, 16, 2..=2) {
            self.byte(u8::try_from(code).unwrap_or_default(), end);
        }
        for line_end in [b"\r\n".as_slice(), b"\n"] {
            if starts_with(text, at, line_end) {
                self.nothing(at + line_end.len());
            }
        }
    }

    fn indentation(&mut self, text: &[u8], at: usize) {
        let rest = text.get(at..).unwrap_or_default();
        let blanks = rest
            .iter()
            .take(INDENTATION_MAX)
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        if blanks > 0 {
            self.nothing(at + blanks);
        }
    }
}

/// The named entities of ASCII.
const ENTITIES: &[(&[u8], u8)] = &[
    (b"Tab;", b'\t'),
    (b"NewLine;", b'\n'),
    (b"excl;", b'!'),
    (b"quot;", b'"'),
    (b"QUOT;", b'"'),
    (b"num;", b'#'),
    (b"dollar;", b'$'),
    (b"percnt;", b'%'),
    (b"amp;", b'&'),
    (b"AMP;", b'&'),
    (b"apos;", b'\''),
    (b"lpar;", b'('),
    (b"rpar;", b')'),
    (b"ast;", b'*'),
    (b"midast;", b'*'),
    (b"plus;", b'+'),
    (b"comma;", b','),
    (b"period;", b'.'),
    (b"sol;", b'/'),
    (b"colon;", b':'),
    (b"semi;", b';'),
    (b"lt;", b'<'),
    (b"LT;", b'<'),
    (b"equals;", b'='),
    (b"gt;", b'>'),
    (b"GT;", b'>'),
    (b"quest;", b'?'),
    (b"commat;", b'@'),
    (b"lsqb;", b'['),
    (b"lbrack;", b'['),
    (b"bsol;", b'\\'),
    (b"rsqb;", b']'),
    (b"rbrack;", b']'),
    (b"Hat;", b'^'),
    (b"lowbar;", b'_'),
    (b"UnderBar;", b'_'),
    (b"grave;", b'`'),
    (b"DiacriticalGrave;", b'`'),
    (b"lcub;", b'{'),
    (b"lbrace;", b'{'),
    (b"verbar;", b'|'),
    (b"vert;", b'|'),
    (b"VerticalLine;", b'|'),
    (b"rcub;", b'}'),
    (b"rbrace;", b'}'),
];

fn starts_with(text: &[u8], at: usize, start: &[u8]) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(start))
}

/// Dumps of bytes part their digits by such signs.
fn is_between_digits(text: &[u8], at: usize) -> bool {
    let is_digit = |place: Option<usize>| {
        let byte = place.and_then(|place| text.get(place));
        byte.is_some_and(u8::is_ascii_hexdigit)
    };
    is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1))
}

/// A number of so many digits, and the place behind it.
fn number(
    text: &[u8],
    at: usize,
    radix: u32,
    digits: RangeInclusive<usize>,
) -> Option<(u32, usize)> {
    let rest = text.get(at..)?;
    let mut value: u32 = 0;
    let mut count = 0;
    for byte in rest.iter().take(*digits.end()) {
        let Some(digit) = char::from(*byte).to_digit(radix) else {
            break;
        };
        value = value.checked_mul(radix)?.checked_add(digit)?;
        count += 1;
    }
    (count >= *digits.start()).then_some((value, at + count))
}
