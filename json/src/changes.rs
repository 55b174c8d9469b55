//! What was changed in a text.

use std::ops::AddAssign;

/// What was changed in a text so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// Numbers that are not finite, now `null`.
    pub numbers: u64,
    /// Bytes and halves of pairs that are no characters, now U+FFFD.
    pub characters: u64,
    /// Control characters that stood in strings as they are, now escaped: nothing is lost.
    pub controls: u64,
    /// Whether a byte order mark was left out.
    pub mark: bool,
}

impl Changes {
    /// Whether the text is as it was.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Changes {
    fn add_assign(&mut self, other: Self) {
        self.numbers += other.numbers;
        self.characters += other.characters;
        self.controls += other.controls;
        self.mark |= other.mark;
    }
}
