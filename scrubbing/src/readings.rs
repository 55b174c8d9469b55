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

/// Signs between two bytes of a dump that are looked through at most.
const SEPARATORS_MAX: usize = 64;
/// Bytes of a sequence that steers a terminal.
const SEQUENCE_MAX: usize = 32;

/// Whether the sign may stand for another byte, or for none, together with what
/// follows it.
pub(super) fn is_sign(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&' | b'=') || is_separator(byte) || is_hidden(byte)
}

/// Whether dumps of bytes part their numbers by this sign.
fn is_separator(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'\r'
            | b'\n'
            | b','
            | b';'
            | b':'
            | b'.'
            | b'-'
            | b'_'
            | b'|'
            | b'/'
            | b'"'
            | b'\''
    )
}

/// Whether a character that cannot be seen begins so. Line ends wrap encoded text,
/// every second byte of UTF-16 is zero, and other control characters are taken out
/// of messages, which would join what they had cut.
fn is_hidden(byte: u8) -> bool {
    byte.is_ascii_control() || matches!(byte, 0xc2 | 0xe2 | 0xef | 0xf3)
}

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
            0x1b => self.sequence(text, at + 1),
            0x80.. => self.invisible(text, at),
            _ => {}
        }
        if is_separator(first) {
            self.separators(text, at);
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
        if byte.is_ascii_control() {
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

    /// What steers a terminal and shows nothing: ESC `[`, parameters, a letter.
    fn sequence(&mut self, text: &[u8], at: usize) {
        let Some((b'[', rest)) = text.get(at..).and_then(<[u8]>::split_first) else {
            return;
        };
        let parameters = rest.iter().take(SEQUENCE_MAX);
        let count = parameters
            .take_while(|byte| matches!(byte, b' '..=b'?'))
            .count();
        if matches!(rest.get(count), Some(b'@'..=b'~')) {
            self.nothing(at + 1 + count + 1);
        }
    }

    /// A character that cannot be seen.
    fn invisible(&mut self, text: &[u8], at: usize) {
        let bytes = text.get(at..text.len().min(at + 4)).unwrap_or_default();
        let first = bytes.utf8_chunks().next();
        let first = first.and_then(|chunk| chunk.valid().chars().next());
        if let Some(c) = first.filter(|c| c.is_control() || memex_escapes::is_hidden(*c)) {
            self.nothing(at + c.len_utf8());
        }
    }

    /// What parts the bytes of a dump: `73:65`, `0x73, 0x65`, `"73" "65"`. It is
    /// nothing between two numbers of base 16, and one comma between two of
    /// base 10.
    fn separators(&mut self, text: &[u8], at: usize) {
        let is_digit = |place: usize| text.get(place).is_some_and(u8::is_ascii_hexdigit);
        let is_decimal = |place: usize| text.get(place).is_some_and(u8::is_ascii_digit);
        let Some(before) = at.checked_sub(1).filter(|before| is_digit(*before)) else {
            return;
        };
        let rest = text.get(at..).unwrap_or_default();
        let signs = rest.iter().take(SEPARATORS_MAX);
        let end = at + signs.take_while(|byte| is_separator(**byte)).count();
        let follows = text.get(end..).unwrap_or_default();
        if is_digit(end) {
            self.nothing(end);
        }
        if let [b'0' | b'\\', b'x' | b'X', ..] = follows
            && is_digit(end + 2)
        {
            self.nothing(end + 2);
        }
        if is_decimal(before) && is_decimal(end) {
            // Some write three digits always.
            let zeros = follows.iter().take(2).take_while(|byte| **byte == b'0');
            for end in end..=end + zeros.count() {
                if is_decimal(end) {
                    self.push(b",", end);
                }
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
