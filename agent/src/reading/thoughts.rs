//! Thoughts that a server leaves in the text of a reply.

use super::fences::{self, TICKS_MIN, ends};

/// The marks of thoughts, as models were trained to write them.
const MARKS: [(&str, &str); 4] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
];

/// A text without its thoughts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parted {
    /// The thoughts, in their order.
    pub(crate) thoughts: String,
    /// Everything else.
    pub(crate) said: String,
}

/// Parts thoughts from what was said.
///
/// Thoughts begin with a mark at the beginning of a line outside of a fenced block, and end
/// with its counterpart, or with the text if there is none. Servers whose prompt ends with the
/// opening mark send the closing one alone: then all before it was thought, if it stands at
/// the end of a line, and in no block. Marks in code and in words are left alone.
pub(crate) fn parted(text: &str) -> Parted {
    let mut parted = Parted::default();
    let mut rest = text;
    if let Some((thoughts, after)) = closed_only(text) {
        parted.thought(thoughts);
        rest = after;
    }
    let mut fence: Option<usize> = None;
    while !rest.is_empty() {
        if fence.is_none()
            && let Some((open, close)) = opened(rest)
        {
            let inside = indented(rest).get(open.len()..).unwrap_or_default();
            let (thoughts, after) = inside.split_once(close).unwrap_or((inside, ""));
            parted.thought(thoughts);
            rest = after;
            continue;
        }
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        fence = fence_after(fence, line);
        parted.said.push_str(line);
        rest = after;
    }
    parted
}

/// What follows the blanks with which a line begins.
fn indented(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// The marks with which a line begins.
fn opened(text: &str) -> Option<(&'static str, &'static str)> {
    let text = indented(text);
    MARKS.into_iter().find(|(open, _)| text.starts_with(open))
}

/// Thoughts and the rest of a text that has a closing mark without an opening one.
fn closed_only(text: &str) -> Option<(&str, &str)> {
    let (at, (open, close)) = MARKS
        .into_iter()
        .filter_map(|marks| Some((text.find(marks.1)?, marks)))
        .min()?;
    let (before, after) = text.split_at(at);
    let after = after.get(close.len()..)?;
    let ends_line = after.is_empty() || after.starts_with(['\n', '\r']);
    let is_in_block = before
        .split_inclusive('\n')
        .fold(None, fence_after)
        .is_some();
    (ends_line && !is_in_block && !before.contains(open)).then_some((before, after))
}

/// The fence in which the next line stands: how many backticks it has.
fn fence_after(fence: Option<usize>, line: &str) -> Option<usize> {
    match fence {
        None => Some(fences::fence(line).0).filter(|ticks| *ticks >= TICKS_MIN),
        Some(opening) => Some(opening).filter(|opening| !ends(line, *opening)),
    }
}

impl Parted {
    fn thought(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() && !self.thoughts.is_empty() {
            self.thoughts.push_str("\n\n");
        }
        self.thoughts.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::parted;

    #[test]
    fn thoughts_are_told_from_what_is_said() {
        let table = [
            ("<think>a</think>b", "a", "b"),
            ("\n  <think>\na\n</think>\n\nb", "a", "\n\n\nb"),
            (
                "a\n```python\nx\n```\n</think>\nb",
                "a\n```python\nx\n```",
                "\nb",
            ),
            ("<think>a\n```\nx", "a\n```\nx", ""),
            ("<think>a</think><think>b</think>c", "a\n\nb", "c"),
            ("a\n<thinking>b</thinking>\nc", "b", "a\n\nc"),
            ("<think></think>b", "", "b"),
            // Words and code about such marks.
            (
                "The mark `</think>` ends it.",
                "",
                "The mark `</think>` ends it.",
            ),
            ("a <think> b", "", "a <think> b"),
            (
                "```python\ns = '''\n<think>\n'''\n```",
                "",
                "```python\ns = '''\n<think>\n'''\n```",
            ),
            (
                "```python\n'''\n</think>\n'''\n```",
                "",
                "```python\n'''\n</think>\n'''\n```",
            ),
            ("", "", ""),
        ];
        for (text, thoughts, said) in table {
            let found = parted(text);
            assert_eq!(
                (found.thoughts.as_str(), found.said.as_str()),
                (thoughts, said),
                "{text:?}"
            );
        }
    }
}
