//! The filter itself: a stream in pieces of any size.

use super::characters::{is_hidden, joins, picture};

/// Bytes of one colour sequence that are kept waiting for its end.
const SEQUENCE_MAX_BYTES: usize = 64;

/// What passes besides visible text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passes {
    colours: bool,
    /// Returns to the beginning of the line, as bars of progress use them.
    returns: bool,
    lines: bool,
}

/// Output of code.
pub(super) const OUTPUT: Passes = Passes {
    colours: true,
    returns: true,
    lines: true,
};
/// What the command says itself, with its own colours around what it quotes.
pub(super) const SAID: Passes = Passes {
    returns: false,
    ..OUTPUT
};
/// What someone else says, over several lines.
pub(super) const TEXT: Passes = Passes {
    colours: false,
    ..SAID
};
/// A name, or what else stands within a line.
pub(super) const LINE: Passes = Passes {
    lines: false,
    ..TEXT
};

/// Makes one stream harmless for a terminal, piece by piece.
#[derive(Debug)]
pub struct Filter {
    passes: Passes,
    state: State,
    /// The beginning of a character whose end has not come yet.
    partial: Vec<u8>,
    /// The last character that was passed on.
    before: char,
    colored: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC `[`, with the parameters so far.
    Sequence(String),
}

impl Default for Filter {
    fn default() -> Self {
        Self::new(OUTPUT)
    }
}

impl Filter {
    pub(super) fn new(passes: Passes) -> Self {
        Self {
            passes,
            state: State::default(),
            partial: Vec::new(),
            before: '\n',
            colored: false,
        }
    }

    /// A stream of what someone else says, as [`plain`](super::plain) has it.
    pub fn text() -> Self {
        Self::new(TEXT)
    }

    /// Passes a piece on. What is passed is valid UTF-8, in whole characters.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = String::with_capacity(bytes.len());
        let joined;
        let mut rest = match self.partial.is_empty() {
            true => bytes,
            false => {
                joined = [self.partial.as_slice(), bytes].concat();
                self.partial.clear();
                joined.as_slice()
            }
        };
        loop {
            let (text, after) = match std::str::from_utf8(rest) {
                Ok(text) => (text, None),
                Err(error) => {
                    let (valid, invalid) = rest.split_at(error.valid_up_to());
                    let text = std::str::from_utf8(valid).unwrap_or_default();
                    (text, Some((invalid, error.error_len())))
                }
            };
            text.chars().for_each(|c| self.step(c, &mut out));
            match after {
                None => break,
                Some((invalid, None)) => {
                    self.partial = invalid.to_vec();
                    break;
                }
                // A lone byte such as 0x9b is a control character to terminals
                // that know no UTF-8.
                Some((invalid, Some(length))) => {
                    self.step(char::REPLACEMENT_CHARACTER, &mut out);
                    rest = invalid.get(length..).unwrap_or_default();
                }
            }
        }
        out.into_bytes()
    }

    /// What is left at the end of a turn: a sequence without its end, and the
    /// return to the terminal's own colours.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = String::new();
        if !std::mem::take(&mut self.partial).is_empty() {
            self.step(char::REPLACEMENT_CHARACTER, &mut out);
        }
        self.abandon(&mut out);
        if std::mem::take(&mut self.colored) {
            out.push_str("\x1b[0m");
        }
        self.before = '\n';
        out.into_bytes()
    }

    fn step(&mut self, c: char, out: &mut String) {
        match (&mut self.state, c) {
            (State::Escape, '[') => self.state = State::Sequence(String::new()),
            (State::Sequence(parameters), '0'..='9' | ';' | ':')
                if parameters.len() < SEQUENCE_MAX_BYTES =>
            {
                parameters.push(c);
            }
            (State::Sequence(parameters), 'm') => {
                out.push_str("\x1b[");
                out.push_str(parameters);
                out.push('m');
                self.colored = true;
                self.state = State::Text;
            }
            _ => {
                self.abandon(out);
                self.begin(c, out);
            }
        }
    }

    fn begin(&mut self, c: char, out: &mut String) {
        match c {
            '\x1b' if self.passes.colours => {
                self.state = State::Escape;
                return;
            }
            '\t' => out.push(c),
            '\n' if self.passes.lines => out.push(c),
            '\r' if self.passes.returns => out.push(c),
            '\0'..='\x1f' => picture(c, out),
            '\x7f' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}' => out.push(char::REPLACEMENT_CHARACTER),
            c if is_hidden(c) && !joins(self.before, c) => {
                out.push_str(&format!("<U+{:04X}>", u32::from(c)));
            }
            c => out.push(c),
        }
        self.before = c;
    }

    /// Shows what was held back and is no colour.
    fn abandon(&mut self, out: &mut String) {
        match std::mem::take(&mut self.state) {
            State::Text => return,
            State::Escape => picture('\x1b', out),
            State::Sequence(parameters) => {
                picture('\x1b', out);
                out.push('[');
                out.push_str(&parameters);
            }
        }
        self.before = '[';
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, OUTPUT, Passes, SAID, TEXT};

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        for (said, shown) in [
            (b"\x9b2J".as_slice(), "\u{fffd}2J"),
            (b"\xc2\x9b2J", "\u{fffd}2J"),
            (b"a\x90\x9d\x84b", "a\u{fffd}\u{fffd}\u{fffd}b"),
            (b"\xe2\x82", "\u{fffd}"),
            (b"\xe2\x82\x1b[2J", "\u{fffd}␛[2J"),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
            (b"\x1b[3\x9bm", "␛[3\u{fffd}m"),
        ] {
            let mut filter = Filter::default();
            let bytes = [filter.pass(said), filter.finish()].concat();
            assert_eq!(String::from_utf8(bytes).unwrap(), shown, "{said:?}");
        }
    }

    fn in_pieces(passes: Passes, bytes: &[u8], sizes: &[usize]) -> Vec<u8> {
        let mut filter = Filter::new(passes);
        let (mut out, mut rest) = (Vec::new(), bytes);
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).clamp(1, rest.len().max(1)).min(rest.len()));
            out.append(&mut filter.pass(piece));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        out.append(&mut filter.finish());
        out
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let texts: [&[u8]; 5] = [
            "é\x1b[38;5;9mx\u{9b}\x1b[H\x1b".as_bytes(),
            "👩‍👩‍👧 a\u{202e}b क्‍ष".as_bytes(),
            b"\xe2\x82(\xf0\x9f\x92\xff\x9b2J\xc2",
            b"\xe2\x1b[3\xe2\x82\xacm\x1b]8;;x\x07",
            b"\r\n\x00\xed\xa0\x80\xf4\x90\x80\x80",
        ];
        for text in texts {
            for passes in [OUTPUT, SAID, TEXT] {
                let whole = in_pieces(passes, text, &[usize::MAX]);
                for sizes in [[1, 1, 1], [2, 1, 3], [3, 2, 1], [1, 4, 2]] {
                    assert_eq!(in_pieces(passes, text, &sizes), whole, "{text:?}");
                }
            }
        }
        // Any bytes, from a generator that is the same each time.
        let mut seed = 1_u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as u8
        };
        const COMMON: &[u8] = b"\x1b[m1;\xc2\x9b\xe2\x80\xae\xf0\x9f\x8f\x8d\r\na";
        for _ in 0..2_000 {
            let length = usize::from(next() % 40);
            let bytes: Vec<u8> = (0..length)
                .map(|_| match next() % 4 {
                    0 => next(),
                    _ => COMMON[usize::from(next()) % COMMON.len()],
                })
                .collect();
            let sizes: Vec<usize> = (0..5).map(|_| usize::from(next() % 5)).collect();
            let whole = in_pieces(OUTPUT, &bytes, &[usize::MAX]);
            assert_eq!(
                in_pieces(OUTPUT, &bytes, &sizes),
                whole,
                "{bytes:?} {sizes:?}"
            );
            let text = String::from_utf8(whole).unwrap();
            let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x1b');
            assert!(!text.contains(steers), "{bytes:?} {text:?}");
        }
    }
}
