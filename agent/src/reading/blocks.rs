//! Code in text: fenced, or between tags.

use super::fences::{TICKS_MIN, ends, fence};
use super::texts::Texts;
use super::unwrapping::{unwrapped, without_fence};
use crate::CodeForm;

/// The code blocks of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks {
    /// The first whole block; of fenced ones, the first that says it is Python, if one does.
    pub first: Option<String>,
    /// Whether its mark says that it is Python, or that of a block that does not end.
    pub is_named: bool,
    /// Whole blocks after it.
    pub others: usize,
    /// Whether a block begins that does not end.
    pub unclosed: bool,
}

/// Finds code blocks. `stopped` says that the text ends where the model was
/// told to stop, which may be in front of a closing mark: then the end of the
/// text closes a block.
#[must_use]
pub fn blocks(text: &str, form: CodeForm, stopped: bool) -> Blocks {
    let mut found = match form {
        CodeForm::Fenced => fenced(text),
        CodeForm::Tagged => tagged(text),
        CodeForm::Tool => return Blocks::default(),
    };
    let open = found
        .open
        .take()
        .filter(|block| !block.code.trim().is_empty());
    let open_is_named = open.as_ref().is_some_and(|block| block.is_named);
    let mut whole = found.whole;
    let unclosed = match open {
        Some(block) if stopped => {
            whole.push(block);
            false
        }
        Some(_) => true,
        None => found.opened,
    };
    whole.retain(|block| !block.code.trim().is_empty());
    // Models show tables and output between bare fences, too.
    let first = whole.iter().position(|block| block.is_named).unwrap_or(0);
    let mut rest = whole.into_iter().skip(first);
    let first = rest.next();
    Blocks {
        is_named: first.as_ref().map_or(open_is_named, |block| block.is_named),
        first: first.map(|block| unwrapped(&block.code)),
        others: rest.count(),
        unclosed,
    }
}

struct Block {
    code: String,
    /// Whether its mark says that it is Python.
    is_named: bool,
}

#[derive(Default)]
struct Found {
    whole: Vec<Block>,
    /// A block that does not end.
    open: Option<Block>,
    /// A mark that is itself cut off.
    opened: bool,
}

/// Labels of fences around code that is to run, some of them as models were trained to write.
const LABELS: [&str; 10] = [
    "python",
    "py",
    "python3",
    "py3",
    "ipython",
    "ipython3",
    "pycon",
    "tool_code",
    "repl",
    "code",
];

/// Blocks that are looked through to the end of a reply for a fence outside of their texts.
/// Each costs the length of the reply, and a hostile one could hold any number.
const LOOKED_THROUGH_MAX: usize = 16;

/// A fence is a line of three or more backticks; one that opens a block of
/// Python says so, or nothing. A block ends at a fence as long as
/// its own, so that code may contain shorter ones, and ones in texts of many lines.
fn fenced(text: &str) -> Found {
    let mut found = Found::default();
    let mut rest = text;
    let mut looked_through = 0;
    while let Some((opening, label, inside)) = opening_fence(rest) {
        let is_named = LABELS.contains(&label.as_str());
        let is_python = is_named || label.is_empty();
        let knows_texts = looked_through < LOOKED_THROUGH_MAX;
        let closed = closed(inside, opening, knows_texts);
        looked_through += usize::from(closed.is_within);
        let Some((code, after)) = closed.parts else {
            if is_python {
                found.opened = true;
                let code = inside.to_owned();
                found.open = Some(Block { code, is_named });
            }
            break;
        };
        if is_python {
            let code = code.to_owned();
            found.whole.push(Block { code, is_named });
        }
        rest = after;
    }
    found
}

/// The next fence that opens a block: its backticks, its label, and what follows its line.
fn opening_fence(text: &str) -> Option<(usize, String, &str)> {
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = first_line(rest);
        let (ticks, label) = fence(line);
        if ticks >= TICKS_MIN {
            let word = label.split([' ', '{', ':', ',']).next().unwrap_or_default();
            return Some((ticks, word.to_ascii_lowercase(), after));
        }
        rest = after;
    }
    None
}

/// Where a block ends.
struct Closed<'t> {
    /// The inside of the block, and what follows the fence that ends it.
    parts: Option<(&'t str, &'t str)>,
    /// Whether that fence is within a text of many lines.
    is_within: bool,
}

/// Finds the end of a block. A fence within a text of many lines ends it only if no other
/// does, or if texts are not to be known.
fn closed(text: &str, opening: usize, knows_texts: bool) -> Closed<'_> {
    let mut texts = Texts::default();
    let mut within = None;
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = first_line(rest);
        if ends(line, opening) {
            let code = text.get(..text.len() - rest.len()).unwrap_or_default();
            if !texts.are_open() {
                return Closed {
                    parts: Some((code, after)),
                    is_within: false,
                };
            }
            within.get_or_insert((code, after));
        }
        if knows_texts {
            texts.read(line);
        }
        rest = after;
    }
    Closed {
        parts: within,
        is_within: within.is_some(),
    }
}

fn first_line(text: &str) -> (&str, &str) {
    text.split_at(text.find('\n').map_or(text.len(), |at| at + 1))
}

fn tagged(text: &str) -> Found {
    const OPEN: &str = "<python>";
    const CLOSE: &str = "</python>";
    let mut found = Found::default();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(OPEN) {
        match after.split_once(CLOSE) {
            Some((code, tail)) => {
                found.whole.push(between_tags(code));
                rest = tail;
            }
            None => {
                found.opened = true;
                found.open = Some(between_tags(after));
                return found;
            }
        }
    }
    // Half a tag at the end.
    let tail = rest.trim_end();
    found.opened =
        (2..OPEN.len()).any(|cut| OPEN.get(..cut).is_some_and(|half| tail.ends_with(half)));
    found
}

/// Models that think in fences put one inside the tags too.
fn between_tags(code: &str) -> Block {
    Block {
        code: without_fence(code.trim_matches('\n')).to_owned(),
        is_named: true,
    }
}

#[cfg(test)]
mod tests {
    use super::blocks;
    use crate::CodeForm;
    use std::fmt::Write as _;
    use std::time::{Duration, Instant};

    /// Each of these blocks opens a text that none after it closes: the end of each was looked
    /// for in all that follows.
    #[test]
    fn blocks_with_open_texts_take_no_time_that_grows_with_their_square() {
        let mut reply = String::new();
        for number in 0..100_000 {
            writeln!(reply, "```\nx = {number} \\'''\n```").unwrap();
        }
        let began = Instant::now();
        let found = blocks(&reply, CodeForm::Fenced, false);
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(found.first.as_deref(), Some("x = 0 \\'''\n"));
        assert_eq!(found.others, 99_999);
    }
}
