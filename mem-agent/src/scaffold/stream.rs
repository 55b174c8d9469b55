//! A reply while it is written: which of its text belongs to which block.

/// A block of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `<think>`.
    Thoughts,
    /// `<python>`.
    Python,
    /// `<reply>`.
    Reply,
}

/// A piece of a reply that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A block begins.
    Begin(Section),
    /// More of the block that began last.
    Text(Section, String),
    /// The block ends.
    End(Section),
}

const TAGS: [(Section, &str, &str); 3] = [
    (Section::Thoughts, "<think>", "</think>"),
    (Section::Python, "<python>", "</python>"),
    (Section::Reply, "<reply>", "</reply>"),
];
/// The longest tag.
const TAG_BYTES_MAX: usize = 9;

/// Splits a reply into its blocks piece by piece. What stands outside of blocks
/// is left out, and of each kind only the first block counts, as in
/// [`Blocks::parse`](crate::Blocks::parse).
#[derive(Debug, Clone, Default)]
pub struct BlockStream {
    /// What may be the beginning of a tag.
    pending: String,
    open: Option<Section>,
    seen: Vec<Section>,
}

impl BlockStream {
    /// Takes more of the reply.
    pub fn push(&mut self, text: &str) -> Vec<Piece> {
        self.pending.push_str(text);
        let mut pieces = Vec::new();
        while self.step(&mut pieces) {}
        pieces
    }

    /// Takes one tag out of what is pending, if a whole one is there.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        let wanted = TAGS
            .iter()
            .filter_map(|(section, open, close)| match self.open {
                Some(now) => (now == *section).then_some((*section, *close)),
                None => (!self.seen.contains(section)).then_some((*section, *open)),
            });
        // The bytes of other letters stay where they are.
        let lower = self.pending.to_ascii_lowercase();
        let found = wanted
            .filter_map(|(section, tag)| Some((lower.find(tag)?, section, tag)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, section, tag)) = found else {
            self.release(pieces);
            return false;
        };
        let rest = self.pending.split_off(at);
        let before = std::mem::replace(
            &mut self.pending,
            rest.get(tag.len()..).unwrap_or("").to_owned(),
        );
        match self.open.take() {
            Some(_) => {
                text(pieces, section, before);
                pieces.push(Piece::End(section));
            }
            None => {
                self.open = Some(section);
                self.seen.push(section);
                pieces.push(Piece::Begin(section));
            }
        }
        true
    }

    /// Lets go of what cannot be the beginning of a tag.
    fn release(&mut self, pieces: &mut Vec<Piece>) {
        let near_end = self.pending.len().saturating_sub(TAG_BYTES_MAX);
        let last = self.pending.char_indices().rev();
        let mut last = last.take_while(|(at, _)| *at >= near_end);
        let keep = last.find(|(_, c)| *c == '<').map(|(at, _)| at);
        let rest = self.pending.split_off(keep.unwrap_or(self.pending.len()));
        let free = std::mem::replace(&mut self.pending, rest);
        if let Some(section) = self.open {
            text(pieces, section, free);
        }
    }
}

fn text(pieces: &mut Vec<Piece>, section: Section, text: String) {
    if !text.is_empty() {
        pieces.push(Piece::Text(section, text));
    }
}
