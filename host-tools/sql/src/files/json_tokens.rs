//! JSON as programs write it: numbers that JSON does not have become `null`.

use super::encoding::decoded;
use std::io::{self, Read};

/// What is read at a time.
const PIECE_BYTES: usize = 32 << 10;

/// JSON as its standard has it, of JSON as programs write it: without a byte order mark, in UTF-8,
/// and with `null` for numbers that are not finite.
///
/// # Errors
/// None; reading bytes does not fail.
pub fn plain_json(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (_, text) =
        decoded(Box::new(bytes)).map_err(|_| io::Error::other("the text cannot be decoded"))?;
    let mut plain = Vec::new();
    Tokens::new(text).read_to_end(&mut plain)?;
    Ok(plain)
}

/// Passes JSON on, with `null` for `NaN`, `Infinity` and `-Infinity` outside of strings.
pub(super) struct Tokens<R> {
    input: R,
    piece: Vec<u8>,
    at: usize,
    end: usize,
    in_string: bool,
    is_escaped: bool,
    /// What was found of a word so far.
    word: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
    replaced: u64,
}

impl<R: Read> Tokens<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            piece: vec![0; PIECE_BYTES],
            at: 0,
            end: 0,
            in_string: false,
            is_escaped: false,
            word: Vec::new(),
            ready: Vec::new(),
            given: 0,
            replaced: 0,
        }
    }

    /// How many numbers were replaced.
    pub(super) fn replaced(&self) -> u64 {
        self.replaced
    }

    fn take(&mut self, byte: u8) {
        if self.in_string {
            self.ready.push(byte);
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        // A word is short, or no word of JSON.
        if (byte.is_ascii_alphabetic() || byte == b'-') && self.word.len() < 16 {
            self.word.push(byte);
            return;
        }
        self.finish_word();
        self.in_string = byte == b'"';
        self.ready.push(byte);
    }

    fn finish_word(&mut self) {
        match self.word.as_slice() {
            b"NaN" | b"-NaN" | b"nan" | b"Infinity" | b"-Infinity" => {
                self.replaced += 1;
                self.ready.extend_from_slice(b"null");
            }
            word => self.ready.extend_from_slice(word),
        }
        self.word.clear();
    }
}

impl<R: Read> Read for Tokens<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
            if self.at == self.end {
                self.end = self.input.read(&mut self.piece)?;
                self.at = 0;
                if self.end == 0 {
                    self.finish_word();
                    if self.ready.is_empty() {
                        return Ok(0);
                    }
                    break;
                }
            }
            let piece = std::mem::take(&mut self.piece);
            for byte in piece.get(self.at..self.end).unwrap_or_default() {
                self.take(*byte);
            }
            self.piece = piece;
            self.at = self.end;
        }
        let mut rest = self.ready.get(self.given..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn numbers_that_json_does_not_have_are_null() {
        for (text, expected) in [
            (
                "[NaN, -Infinity,Infinity,1e-5,-1]",
                "[null, null,null,1e-5,-1]",
            ),
            (
                r#"{"NaN": "NaN \" NaN", "b": true}"#,
                r#"{"NaN": "NaN \" NaN", "b": true}"#,
            ),
            ("NaN", "null"),
            (r#"["\\", NaN]"#, r#"["\\", null]"#),
            ("[NaNa, nul]", "[NaNa, nul]"),
        ] {
            for at_a_time in [1, 3, 100] {
                let mut found = String::new();
                let mut tokens = Tokens::new(Slow(text.as_bytes(), at_a_time));
                tokens.read_to_string(&mut found).unwrap();
                assert_eq!(found, expected);
            }
        }
    }
}
