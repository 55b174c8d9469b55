//! What JSON takes as values, told from its text before it is parsed.
//!
//! A text bounds its values badly: `{"":0}` is six bytes, and hundreds as a value. What a
//! guest or a peer sends is looked through first, and held against a bound on this.

use serde_json::Value;

/// What an allocation costs besides its bytes.
pub const ALLOCATION_BYTES: usize = 16;
/// A place in a list or a map. Lists grow by doubling.
pub const PLACE_BYTES: usize = 2 * size_of::<Value>();
/// The least that an object takes: a node of its map, or the fields of what a
/// tool makes of it.
pub const OBJECT_BYTES: usize = 640;
/// An entry of an object besides its value.
pub const KEY_BYTES: usize = 2 * size_of::<String>();
/// The least places that a list is made with.
pub const PLACES_MIN: usize = 4;

/// What a request of a guest may take as values, where no budget says so.
pub const REQUEST_TREE_BYTES: usize = 256 << 20;

/// So many entries of an object are part of [`OBJECT_BYTES`].
const ENTRIES_MIN: usize = 3;
/// The parser takes nothing that is nested more deeply.
const DEPTH_MAX: usize = 128;

/// What a JSON text takes as values, at most, if it is one; a text may come in pieces.
#[derive(Debug, Clone, Default)]
pub struct TreeSize {
    bytes: usize,
    /// The lists and objects that are open, and the elements before the current one.
    open: Vec<Open>,
    /// Those that are open beyond the depth that counts.
    deeper: usize,
    text: InText,
}

#[derive(Debug, Clone)]
struct Open {
    is_object: bool,
    elements: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum InText {
    #[default]
    No,
    Yes,
    /// Behind a `\`.
    Escaped,
}

impl TreeSize {
    /// What a whole text takes.
    #[must_use]
    pub fn of(json: &[u8]) -> usize {
        let mut size = Self::default();
        size.push(json);
        size.bytes()
    }

    /// What a whole text takes, if that is no more than `max` bytes.
    ///
    /// # Errors
    /// What is wrong, in words that follow the name of the text.
    pub fn check(json: &[u8], max: usize) -> Result<usize, String> {
        match Self::of(json) {
            taken if taken > max => Err(format!("takes {taken} bytes as values, of {max} allowed")),
            taken => Ok(taken),
        }
    }

    /// What the text takes so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the next piece of the text.
    pub fn push(&mut self, json: &[u8]) {
        let mut rest = json;
        while let Some((byte, after)) = rest.split_first() {
            rest = match self.text {
                InText::No => {
                    self.token(*byte);
                    after
                }
                InText::Escaped => {
                    self.text = InText::Yes;
                    self.add(1);
                    after
                }
                InText::Yes => self.pass_text(rest),
            };
        }
    }

    fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn token(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.text = InText::Yes;
                self.add(ALLOCATION_BYTES);
            }
            b'{' | b'[' => {
                let is_object = byte == b'{';
                self.add(match is_object {
                    true => OBJECT_BYTES,
                    false => PLACES_MIN * PLACE_BYTES + ALLOCATION_BYTES,
                });
                match self.open.len() < DEPTH_MAX {
                    true => self.open.push(Open {
                        is_object,
                        elements: 0,
                    }),
                    false => self.deeper = self.deeper.saturating_add(1),
                }
            }
            b'}' | b']' => match self.deeper.checked_sub(1) {
                Some(deeper) => self.deeper = deeper,
                None => drop(self.open.pop()),
            },
            b',' => {
                let more = match self.open.last_mut() {
                    Some(open) if self.deeper == 0 => {
                        open.elements = open.elements.saturating_add(1);
                        match open.is_object {
                            true if open.elements >= ENTRIES_MIN => KEY_BYTES + PLACE_BYTES,
                            false if open.elements >= PLACES_MIN => PLACE_BYTES,
                            _ => 0,
                        }
                    }
                    _ => PLACE_BYTES,
                };
                self.add(more);
            }
            _ => {}
        }
    }

    /// Passes what is left of a text, up to its end or an escape.
    fn pass_text<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let found = memchr::memchr2(b'"', b'\\', rest);
        let (passed, behind) = rest.split_at(found.unwrap_or(rest.len()));
        self.add(passed.len());
        match behind.split_first() {
            Some((b'"', after)) => {
                self.text = InText::No;
                after
            }
            Some((_, after)) => {
                self.text = InText::Escaped;
                after
            }
            None => behind,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_text_counts_for_what_its_values_take() {
        let many = |element: &str| format!("[{}]", vec![element; 10_000].join(","));
        for (element, least) in [
            ("0", size_of::<Value>()),
            ("\"\"", size_of::<Value>()),
            ("[]", size_of::<Value>()),
            ("[0]", 5 * size_of::<Value>()),
            ("{}", size_of::<Value>()),
            ("{\"\":0}", 4 * (size_of::<Value>() + size_of::<String>())),
            (
                "{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0}",
                6 * (size_of::<Value>() + size_of::<String>()),
            ),
        ] {
            let taken = TreeSize::of(many(element).as_bytes());
            assert!(taken >= 10_000 * least, "{element}: {taken}");
        }
        // A text costs itself, whatever is in it.
        let text = json!("x,{[\"\\".repeat(1 << 18)).to_string();
        let taken = TreeSize::of(text.as_bytes());
        assert!((5 << 18..(7 << 18) + 100).contains(&taken), "{taken}");
        // Records are no reason for a refusal.
        let records = many("{\"id\": 123456, \"name\": \"abcdefgh\", \"at\": 1.5}");
        let taken = TreeSize::of(records.as_bytes());
        assert!(taken < 24 * records.len(), "{taken} of {}", records.len());
    }

    #[test]
    fn what_is_nested_too_deeply_counts_and_ends() {
        for byte in ["[", "{", "]", "}", "[{", ","] {
            let text = byte.repeat(100_000);
            assert!(TreeSize::of(text.as_bytes()) <= 100_000 * 2 * OBJECT_BYTES);
        }
        let deep = "[".repeat(1_000) + &"0,".repeat(1_000);
        assert!(TreeSize::of(deep.as_bytes()) > 2_000 * PLACE_BYTES);
    }

    proptest! {
        /// Where a text is cut makes no difference, and any bytes are looked through.
        #[test]
        fn pieces_count_as_the_whole(
            text in "[\\[\\]{},:\"\\\\a0]{0,200}", at in 0_usize..200
        ) {
            let (first, second) = text.as_bytes().split_at(at.min(text.len()));
            let mut size = TreeSize::default();
            size.push(first);
            size.push(second);
            prop_assert_eq!(size.bytes(), TreeSize::of(text.as_bytes()));
        }
    }
}
