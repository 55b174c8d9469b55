//! What a reply of any model means: tags in other letters, tags that are not closed, tags that
//! are only spoken of, and no tags at all.
//!
//! The trained model's replies are read as they were in its training, by [`Blocks::parse`].

use super::closing::python_end;
use super::stream::Section;
use super::tags::{Blocks, unfenced};

/// A reply, understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Meaning {
    pub(super) blocks: Blocks,
    /// What stands outside of all blocks.
    pub(super) bare: String,
    /// Whether the last block is not closed.
    pub(super) is_open: bool,
}

/// The tags by their names.
const NAMES: [(&str, Section); 4] = [
    ("think", Section::Thoughts),
    ("thinking", Section::Thoughts),
    ("python", Section::Python),
    ("reply", Section::Reply),
];
/// What a model would write that invents a result.
const RESULT: &str = "result";

/// A tag in a text.
#[derive(Debug, Clone, Copy)]
struct Tag {
    at: usize,
    /// Where what follows it begins.
    end: usize,
    is_closing: bool,
    /// None for a result.
    section: Option<Section>,
}

impl Meaning {
    pub(super) fn of(text: &str) -> Self {
        let mut meaning = Self::default();
        let last = Last::of(text);
        let mut rest = text;
        if let Some((thoughts, after)) = closed_only(text) {
            meaning.keep(Section::Thoughts, thoughts);
            rest = after;
        }
        // At the beginning, and behind a block, a tag stands for itself.
        let mut is_fresh = true;
        while let Some(tag) = next_block(rest, is_fresh, &last) {
            meaning
                .bare
                .push_str(rest.get(..tag.at).unwrap_or_default());
            let inside = rest.get(tag.end..).unwrap_or_default();
            let Some(section) = tag.section else {
                // All that follows an invented result is invented.
                rest = "";
                break;
            };
            let (block, after) = block(section, inside, &last);
            meaning.is_open = after.is_none();
            meaning.keep(section, block);
            rest = after.unwrap_or(match section {
                Section::Thoughts => inside.get(block.len()..).unwrap_or_default(),
                _ => "",
            });
            is_fresh = true;
        }
        meaning.bare.push_str(rest);
        meaning.bare = without_tags(&meaning.bare);
        meaning
    }

    /// Keeps the first block of each kind; all thoughts are kept.
    fn keep(&mut self, section: Section, block: &str) {
        let blocks = &mut self.blocks;
        match section {
            Section::Thoughts => {
                let block = block.trim();
                if !block.is_empty() && !blocks.thoughts.is_empty() {
                    blocks.thoughts.push_str("\n\n");
                }
                blocks.thoughts.push_str(block);
            }
            Section::Python if blocks.python.is_empty() => blocks.python = unfenced(block),
            Section::Reply if blocks.reply.is_empty() => {
                blocks.reply = block.trim().to_owned();
            }
            Section::Python | Section::Reply => {}
        }
    }
}

/// Where the last closing tag of each kind stands, in bytes from the end of the text. Every text
/// that is looked at is an end of it.
#[derive(Default)]
struct Last {
    thoughts: Option<usize>,
    python: Option<usize>,
    reply: Option<usize>,
}

impl Last {
    fn of(text: &str) -> Self {
        let mut last = Self::default();
        for tag in tags(text).filter(|tag| tag.is_closing) {
            let at = Some(text.len() - tag.at);
            match tag.section {
                Some(Section::Thoughts) => last.thoughts = at,
                Some(Section::Python) => last.python = at,
                Some(Section::Reply) => last.reply = at,
                None => {}
            }
        }
        last
    }

    /// Whether a tag in such a text is closed by one behind it.
    fn closes(&self, tag: &Tag, text: &str) -> bool {
        let last = match tag.section {
            Some(Section::Thoughts) => self.thoughts,
            Some(Section::Python) => self.python,
            Some(Section::Reply) => self.reply,
            None => None,
        };
        last.is_some_and(|last| last <= text.len() - tag.end)
    }
}

/// The block with which a text begins, and what follows it; nothing follows one that is open.
fn block<'t>(section: Section, inside: &'t str, last: &Last) -> (&'t str, Option<&'t str>) {
    let split = |at: usize, end: usize| {
        let block = inside.get(..at).unwrap_or_default();
        (block, inside.get(end..))
    };
    match section {
        Section::Python => match python_end(inside) {
            Some((at, end)) => split(at, end),
            None => {
                let cut = tags(inside).find(|tag| {
                    let ends = tag.section != Some(Section::Python);
                    ends && is_at_line(inside, tag.at)
                });
                let cut = cut.map_or(inside.len(), |tag| tag.at);
                (inside.get(..cut).unwrap_or_default(), None)
            }
        },
        Section::Reply => {
            match tags(inside).find(|tag| tag.is_closing && tag.section == Some(section)) {
                Some(tag) => split(tag.at, tag.end),
                None => (without_half_tag(inside), None),
            }
        }
        Section::Thoughts => {
            if let Some(tag) =
                tags(inside).find(|tag| tag.is_closing && tag.section == Some(section))
            {
                return split(tag.at, tag.end);
            }
            // Not closed: they end where a block begins, on a line of its own or, as the last
            // one that is whole, within a line.
            let begins = |tag: &Tag| {
                !tag.is_closing
                    && [Some(Section::Python), Some(Section::Reply)].contains(&tag.section)
            };
            let own = tags(inside).find(|tag| begins(tag) && is_at_line(inside, tag.at));
            let within = || {
                let whole = tags(inside).filter(|tag| begins(tag) && last.closes(tag, inside));
                whole.last()
            };
            let end = own.or_else(within).map_or(inside.len(), |tag| tag.at);
            (inside.get(..end).unwrap_or_default(), None)
        }
    }
}

/// The next tag that begins a block, or an invented result. One that nothing closes begins a
/// block only on a line of its own or behind another block; one in backticks is spoken of.
fn next_block(text: &str, is_fresh: bool, last: &Last) -> Option<Tag> {
    tags(text).find(|tag| {
        let before = text.get(..tag.at).unwrap_or_default();
        if tag.is_closing || before.ends_with('`') {
            return false;
        }
        last.closes(tag, text) || is_at_line(text, tag.at) || is_fresh && before.trim().is_empty()
    })
}

/// Thoughts whose opening tag was part of the prompt, and the rest.
fn closed_only(text: &str) -> Option<(&str, &str)> {
    let is_thoughts = |tag: &Tag| tag.section == Some(Section::Thoughts);
    let first = tags(text).find(|tag| is_thoughts(tag) || tag.is_closing)?;
    let is_alone = first.is_closing && is_thoughts(&first);
    is_alone.then(|| {
        let thoughts = text.get(..first.at).unwrap_or_default();
        (thoughts, text.get(first.end..).unwrap_or_default())
    })
}

fn is_at_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.trim_end_matches([' ', '\t']).ends_with('\n') || before.trim().is_empty()
}

/// The tags of a text, in order.
fn tags(text: &str) -> impl Iterator<Item = Tag> {
    let marks = text.match_indices('<');
    marks.filter_map(move |(at, _)| tag_at(text, at))
}

fn tag_at(text: &str, at: usize) -> Option<Tag> {
    const NAME_BYTES_MAX: usize = 12;
    let rest = text.get(at + 1..)?;
    let (is_closing, named) = match rest.strip_prefix('/') {
        Some(named) => (true, named),
        None => (false, rest),
    };
    let length = named
        .bytes()
        .take(NAME_BYTES_MAX)
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let (name, after) = named.split_at_checked(length)?;
    let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
    if !after.get(blanks..)?.starts_with('>') {
        return None;
    }
    let known = NAMES
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known));
    if known.is_none() && !name.eq_ignore_ascii_case(RESULT) {
        return None;
    }
    Some(Tag {
        at,
        end: text.len() - after.len() + blanks + 1,
        is_closing,
        section: known.map(|(_, section)| *section),
    })
}

/// Words without tags that belong to no block.
fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut done = 0;
    for tag in tags(text) {
        let before = text.get(done..tag.at).unwrap_or_default();
        if before.ends_with('`') {
            continue;
        }
        out.push_str(before);
        done = tag.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out.trim().to_owned()
}

/// A text without the half of a tag with which it ends, as a reply that was cut off has it.
fn without_half_tag(text: &str) -> &str {
    let Some(at) = text.rfind('<') else {
        return text;
    };
    let end = text.get(at..).unwrap_or_default().to_ascii_lowercase();
    match "</reply>".starts_with(&end) || "<result>".starts_with(&end) {
        true => text.get(..at).unwrap_or(text),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> [String; 4] {
        let meaning = Meaning::of(text);
        let Blocks {
            thoughts,
            python,
            reply,
        } = meaning.blocks;
        [thoughts, python, reply, meaning.bare]
    }

    #[test]
    fn replies_of_any_model_are_understood() {
        for (text, expect) in [
            ("<think>a</think>\n<python>b</python>", ["a", "b", "", ""]),
            ("<think>a</think><reply>c</reply>", ["a", "", "c", ""]),
            // No tags, and thoughts without any other.
            ("Anna is a baker.", ["", "", "", "Anna is a baker."]),
            ("<think>a</think>\nAnna.", ["a", "", "", "Anna."]),
            // Letters and blanks.
            ("<Think>a</THINK><Reply >c</reply >", ["a", "", "c", ""]),
            (
                "<thinking>a</thinking><PYTHON>b</Python>",
                ["a", "b", "", ""],
            ),
            // Not closed.
            ("<think>a</think>\n<reply>c", ["a", "", "c", ""]),
            ("<reply>c</rep", ["", "", "c", ""]),
            ("<think>a</think>\n<python>\nb\n", ["a", "b", "", ""]),
            ("<python>\nb\n<result>\nx", ["", "b", "", ""]),
            ("<think>a\n<python>b</python>", ["a", "b", "", ""]),
            ("<think>a <reply>c</reply>", ["a", "", "c", ""]),
            ("<think>a", ["a", "", "", ""]),
            // Not opened.
            (
                "a <python> x\n</think>\n<reply>c</reply>",
                ["a <python> x", "", "c", ""],
            ),
            // Spoken of.
            (
                "<think>I write <python> first, then </python>.</think>\n<python>b</python>",
                ["I write <python> first, then </python>.", "b", "", ""],
            ),
            (
                "<think>t</think>\n<python>\ns = '<reply>no</reply>'\n</python>",
                ["t", "s = '<reply>no</reply>'", "", ""],
            ),
            (
                "<python>\ns = '</python>'\nprint(s)\n</python>",
                ["", "s = '</python>'\nprint(s)", "", ""],
            ),
            (
                "<reply>Use <python> here</reply>",
                ["", "", "Use <python> here", ""],
            ),
            (
                "I use `<python>` and `<reply>`.",
                ["", "", "", "I use `<python>` and `<reply>`."],
            ),
            ("The <python> tag runs.", ["", "", "", "The  tag runs."]),
            // Invented.
            (
                "<python>b</python>\n<result>x</result>\n<reply>c</reply>",
                ["", "b", "", ""],
            ),
            // Blocks beside each other.
            ("<python>b</python><reply>c</reply>", ["", "b", "c", ""]),
            ("<python>b</python><python>d</python>", ["", "b", "", ""]),
            ("", ["", "", "", ""]),
            ("<", ["", "", "", "<"]),
            ("<reply></reply>", ["", "", "", ""]),
        ] {
            assert_eq!(told(text), expect, "{text:?}");
        }
    }
}
