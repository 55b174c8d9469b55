//! Text of a file as UTF-8: byte order marks, UTF-16, and Windows-1252 where a text is no UTF-8.

use super::content::unread;
use super::rows::Unloaded;
use std::borrow::Cow;
use std::io::{BufReader, Chain, Cursor, Read};

/// How much of a file is looked at to guess its encoding, its delimiter and its header.
pub(super) const HEAD_MAX_BYTES: usize = 64 << 10;
const UNITS_AT_A_TIME: usize = 8 << 10;

/// What Windows-1252 has in the places of 0x80 to 0x9f. Five are not in use.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// How the text of a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, or a code page that agrees with ASCII.
    Ascii,
    Utf16LittleEndian,
    Utf16BigEndian,
}

impl Encoding {
    /// By the byte order mark, or by the zeros that ASCII has in UTF-16. Says how long the mark is.
    fn guess(head: &[u8]) -> (Self, usize) {
        match head {
            [0xef, 0xbb, 0xbf, ..] => return (Self::Ascii, 3),
            [0xff, 0xfe, ..] => return (Self::Utf16LittleEndian, 2),
            [0xfe, 0xff, ..] => return (Self::Utf16BigEndian, 2),
            _ => {}
        }
        let zeros = |odd: usize| {
            let bytes = head.iter().skip(odd).step_by(2);
            bytes.filter(|byte| **byte == 0).count()
        };
        let (even, odd) = (zeros(0), zeros(1));
        let most = head.len() / 4;
        match (even, odd) {
            // Some characters have a zero in the other place.
            _ if head.len() < 4 => (Self::Ascii, 0),
            (even, odd) if odd > most && even * 10 < odd => (Self::Utf16LittleEndian, 0),
            (even, odd) if even > most && odd * 10 < even => (Self::Utf16BigEndian, 0),
            _ => (Self::Ascii, 0),
        }
    }

    /// What a reader is told of it.
    pub(super) fn note(self) -> Option<String> {
        (self != Self::Ascii).then(|| "decoded as UTF-16".to_owned())
    }
}

/// The text of a file from its beginning, without a byte order mark.
pub(super) fn decoded<'c>(
    mut input: Box<dyn Read + 'c>,
) -> Result<(Encoding, Box<dyn Read + 'c>), Unloaded> {
    let mut head = Vec::new();
    (&mut input)
        .take(HEAD_MAX_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(unread)?;
    let (encoding, mark) = Encoding::guess(&head);
    let mut head = Cursor::new(head);
    head.set_position(mark as u64);
    let whole = head.chain(input);
    let text: Box<dyn Read + 'c> = match encoding {
        Encoding::Ascii => Box::new(whole),
        _ => Box::new(Utf16 {
            input: BufReader::new(whole),
            is_little_endian: encoding == Encoding::Utf16LittleEndian,
            high: None,
            ready: Cursor::new(Vec::new()),
        }),
    };
    Ok((encoding, text))
}

/// What has been looked at of a text, and the rest of it.
type Whole<'c> = Chain<Cursor<Vec<u8>>, Box<dyn Read + 'c>>;

/// UTF-16 as UTF-8; halves of pairs are replacement characters.
struct Utf16<'c> {
    input: BufReader<Whole<'c>>,
    is_little_endian: bool,
    /// The first half of a pair at the end of what was decoded so far.
    high: Option<u16>,
    ready: Cursor<Vec<u8>>,
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let count = self.ready.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let mut bytes = Vec::new();
            (&mut self.input)
                .take(UNITS_AT_A_TIME as u64 * 2)
                .read_to_end(&mut bytes)?;
            if bytes.is_empty() && self.high.is_none() {
                return Ok(0);
            }
            let is_last = bytes.len() < UNITS_AT_A_TIME * 2;
            let (pairs, _) = bytes.as_chunks::<2>();
            let unit = |pair: &[u8; 2]| match self.is_little_endian {
                true => u16::from_le_bytes(*pair),
                false => u16::from_be_bytes(*pair),
            };
            let mut units: Vec<u16> = self.high.take().into_iter().collect();
            units.extend(pairs.iter().map(unit));
            let is_high = |unit: &u16| (0xd800..0xdc00).contains(unit);
            if !is_last && units.last().is_some_and(is_high) {
                self.high = units.pop();
            }
            self.ready = Cursor::new(String::from_utf16_lossy(&units).into_bytes());
        }
    }
}

/// A field as text: UTF-8, and Windows-1252 where it is not. Says which.
pub(super) fn text(field: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(field) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => {
            let decoded = field.iter().map(|byte| {
                let place = usize::from(byte.wrapping_sub(0x80));
                match WINDOWS_1252.get(place) {
                    Some(character) => *character,
                    None => char::from(*byte),
                }
            });
            (Cow::Owned(decoded.collect()), true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_found_with_and_without_a_mark() {
        // A pair of halves on the border of what is decoded at a time.
        let text = format!("{}😀a,b\n1,2\n", "x".repeat(UNITS_AT_A_TIME - 1));
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, expected) in [
            (
                [b"\xff\xfe".as_slice(), &little].concat(),
                Encoding::Utf16LittleEndian,
            ),
            (
                [b"\xfe\xff".as_slice(), &big].concat(),
                Encoding::Utf16BigEndian,
            ),
            (little.clone(), Encoding::Utf16LittleEndian),
            (big, Encoding::Utf16BigEndian),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), Encoding::Ascii),
            (text.clone().into_bytes(), Encoding::Ascii),
        ] {
            let (encoding, mut reader) = decoded(Box::new(bytes.as_slice())).unwrap();
            let mut found = String::new();
            reader.read_to_string(&mut found).unwrap();
            assert_eq!(encoding, expected);
            assert!(found == text, "{expected:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_windows_1252() {
        for (bytes, expected, guessed) in [
            (b"caf\xc3\xa9".as_slice(), "café", false),
            (b"caf\xe9", "café", true),
            (
                b"5 \x80 \x93smart\x94 \x96 ok\x92s",
                "5 € “smart” – ok’s",
                true,
            ),
            (b"\x81\xff\x9f", "\u{81}ÿŸ", true),
        ] {
            let (found, was_guessed) = text(bytes);
            assert_eq!((&*found, was_guessed), (expected, guessed));
        }
    }
}
