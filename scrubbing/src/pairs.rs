//! The pairs of bytes at which a form can begin.

use super::readings::{is_sign, other_sign};

/// A set of pairs of bytes.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    words: Vec<u64>,
}

impl Pairs {
    /// The pairs with which these forms can begin in a text.
    pub(super) fn of<'a>(forms: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut pairs = Self {
            words: vec![0; (1 << 16) / 64],
        };
        for form in forms {
            let [first, second, ..] = form else { continue };
            for begin in written(*first) {
                for next in written(*second).chain(signs()) {
                    pairs.insert(begin, next);
                }
            }
        }
        // What an escape stands for is found out at the place.
        for sign in *b"%\\&=" {
            for second in 0..=u8::MAX {
                pairs.insert(sign, second);
            }
        }
        pairs
    }

    fn insert(&mut self, first: u8, second: u8) {
        let bit = usize::from(first) << 8 | usize::from(second);
        if let Some(word) = self.words.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    fn contains(&self, first: u8, second: u8) -> bool {
        let bit = usize::from(first) << 8 | usize::from(second);
        self.words
            .get(bit / 64)
            .is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    pub(super) fn may_begin(&self, text: &[u8], at: usize) -> bool {
        match text.get(at..at + 2) {
            Some([first, second]) => self.contains(*first, *second),
            _ => false,
        }
    }

    /// The first place from `from` on at which a form may begin.
    pub(super) fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut pairs = text.get(from..)?.windows(2);
        let found = pairs
            .position(|pair| matches!(pair, [first, second] if self.contains(*first, *second)));
        found.map(|index| from + index)
    }
}

/// Bytes behind which a form may go on.
fn signs() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(|byte| is_sign(*byte))
}

/// The bytes that stand for this one without being escapes, itself among them.
fn written(byte: u8) -> impl Iterator<Item = u8> {
    let other = (0..=u8::MAX).filter(move |sign| other_sign(*sign) == Some(byte));
    [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]
        .into_iter()
        .chain(other)
}
