//! Integers that would become other numbers.
//!
//! JSON and Python have integers of any size. [`Value`](serde_json::Value) holds those
//! of 64 bits, and takes a larger one for the nearest float without a word. So JSON is
//! looked through before it is parsed, and what would not stay as it is is refused. (A
//! `Value` that keeps every digit, `arbitrary_precision`, would do so in every crate of
//! the program: there, numbers no longer reach types that are chosen by their content,
//! those of MCP messages among them, and each number takes an allocation.)

use std::borrow::Cow;

/// The most digits of an integer that a message shows.
const SHOWN_MAX_DIGITS: usize = 40;
/// The most bytes of a name that a message shows.
const NAME_MAX_BYTES: usize = 80;
/// Integers of fewer digits have at most 64 bits.
const DIGITS_MIN: usize = 19;

/// An integer of more than 64 bits in a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeInteger<'a> {
    digits: &'a [u8],
    name: Option<&'a [u8]>,
}

impl<'a> LargeInteger<'a> {
    /// The first one of a JSON text, whether that is well-formed or not. It is named by
    /// the key below which it stands in the object at `depth`, 1 being the outermost.
    #[must_use]
    pub fn find(json: &'a [u8], depth: usize) -> Option<Self> {
        let mut scan = Scan {
            json,
            at: 0,
            depth: 0,
            named: depth,
            name: None,
        };
        scan.find()
    }

    /// The key below which it stands, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'a, str>> {
        let name = self.name?;
        let shown = name.get(..NAME_MAX_BYTES).unwrap_or(name);
        Some(String::from_utf8_lossy(shown))
    }

    /// What is wrong, in words that follow the name of its place.
    #[must_use]
    pub fn reason(&self) -> String {
        let shown = self.digits.get(..SHOWN_MAX_DIGITS);
        let end = if shown.is_some() { "…" } else { "" };
        let shown = String::from_utf8_lossy(shown.unwrap_or(self.digits));
        format!("the integer {shown}{end} has more than 64 bits, and would become another number")
    }
}

struct Scan<'a> {
    json: &'a [u8],
    at: usize,
    depth: usize,
    named: usize,
    name: Option<&'a [u8]>,
}

impl<'a> Scan<'a> {
    fn find(&mut self) -> Option<LargeInteger<'a>> {
        let json = self.json;
        while let Some(byte) = json.get(self.at) {
            match byte {
                b'"' => self.text(),
                b'{' | b'[' => {
                    self.depth = self.depth.saturating_add(1);
                    self.at += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth < self.named {
                        self.name = None;
                    }
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' => {
                    let number = self.number();
                    if is_large(number) {
                        return Some(LargeInteger {
                            digits: number,
                            name: self.name,
                        });
                    }
                }
                _ => self.at += 1,
            }
        }
        None
    }

    /// Passes a text, which may be a key.
    fn text(&mut self) {
        let from = self.at.saturating_add(1);
        let mut end = from;
        loop {
            let rest = self.json.get(end..).unwrap_or_default();
            let Some(next) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.json.len();
                return;
            };
            end = end.saturating_add(next);
            if self.json.get(end) == Some(&b'"') {
                break;
            }
            end = end.saturating_add(2);
        }
        self.at = end.saturating_add(1);
        let after = self.json.get(self.at..).unwrap_or_default();
        if self.depth == self.named && after.trim_ascii_start().first() == Some(&b':') {
            self.name = self.json.get(from..end);
        }
    }

    fn number(&mut self) -> &'a [u8] {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .count();
        self.at = self.at.saturating_add(length.max(1));
        rest.get(..length).unwrap_or_default()
    }
}

fn is_large(number: &[u8]) -> bool {
    if number.len() < DIGITS_MIN {
        return false;
    }
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let text = std::str::from_utf8(number).unwrap_or_default();
    text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn found(json: &str) -> Option<(String, Option<String>)> {
        let found = LargeInteger::find(json.as_bytes(), 2)?;
        let digits = String::from_utf8(found.digits.to_vec()).unwrap();
        Some((digits, found.name().map(Cow::into_owned)))
    }

    #[test]
    fn integers_of_more_than_64_bits_are_found_and_no_others() {
        for exact in [
            "18446744073709551615",
            "-9223372036854775808",
            "0",
            "1e300",
            "18446744073709551616.0",
            "1.8446744073709552e+19",
            "\"18446744073709551616\"",
            "\"\\\"18446744073709551616\"",
            "{\"18446744073709551616\":1}",
            "\"open 18446744073709551616",
        ] {
            assert_eq!(found(exact), None, "{exact}");
        }
        for large in ["18446744073709551616", "-9223372036854775809"] {
            let whole = (large.to_owned(), None);
            assert_eq!(found(large), Some(whole.clone()));
            assert_eq!(found(&format!("[1, {large}]")), Some(whole));
            let named = |name: &str| Some((large.to_owned(), Some(name.to_owned())));
            let call = |arguments: &str| format!(r#"{{"tool":"t","arguments":{{{arguments}}}}}"#);
            assert_eq!(found(&call(&format!("\"n\" : {large}"))), named("n"));
            let deep = format!(r#""a":[1,{{"z":2}}],"b\"":{{"c":[{{"d":{large}}}]}}"#);
            assert_eq!(found(&call(&deep)), named("b\\\""));
        }
        let digits = "9".repeat(1_000);
        let reason = LargeInteger::find(digits.as_bytes(), 1).unwrap().reason();
        assert!(
            reason.contains(&"9".repeat(40)) && reason.len() < 200,
            "{reason}"
        );
    }

    proptest! {
        /// What is not refused is the same number after parsing.
        #[test]
        fn integers_that_pass_stay_as_they_are(number in any::<i128>(), shift in 0_u32..127) {
            let text = (number >> shift).to_string();
            let json = format!("{{\"v\":[{text}]}}");
            let parsed: Value = serde_json::from_str(&json).unwrap();
            let written = parsed["v"][0].to_string();
            let same = written == text;
            prop_assert_eq!(found(&json).is_none(), same);
        }

        /// Any bytes are looked through.
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = LargeInteger::find(&bytes, 2);
        }
    }
}
