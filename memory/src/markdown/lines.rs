//! The lines of a text that say something.

use super::frontmatter;

/// The lines of a text that are neither code nor comment nor frontmatter, counted from 1.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let skipped = frontmatter::line_count(text);
    let mut fence: Option<(char, usize)> = None;
    let mut in_comment = false;
    text.lines()
        .enumerate()
        .skip(skipped)
        .filter_map(move |(index, line)| {
            if in_comment {
                in_comment = !line.contains("-->");
                return None;
            }
            let mark = mark(line);
            match (fence, mark) {
                (Some((open, count)), Some((close, length, is_bare))) => {
                    if open == close && length >= count && is_bare {
                        fence = None;
                    }
                    return None;
                }
                (Some(_), None) => return None,
                (None, Some((open, count, _))) => {
                    fence = Some((open, count));
                    return None;
                }
                (None, None) => {}
            }
            if line.trim_start().starts_with("<!--") {
                let after = line.split_once("-->").map(|(_, after)| after);
                in_comment = after.is_none();
                // What follows a comment on its line says something.
                return after
                    .is_some_and(|after| !after.trim().is_empty())
                    .then_some((index + 1, line));
            }
            Some((index + 1, line))
        })
}

/// The character and the length of the fence that a line is, and whether nothing follows it.
fn mark(line: &str) -> Option<(char, usize, bool)> {
    let line = line.trim_start();
    let first = line.chars().next().filter(|c| ['`', '~'].contains(c))?;
    let rest = line.trim_start_matches(first);
    let count = line.len() - rest.len();
    // `` ```code``` `` on one line is no fence.
    let is_fence = count >= 3 && !(first == '`' && rest.contains('`'));
    is_fence.then(|| (first, count, rest.trim().is_empty()))
}
