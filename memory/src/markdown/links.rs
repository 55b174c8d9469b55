//! The links of a text.

use super::address::{inline_link, near};
use super::facts::fact;
use super::lines::lines;

/// A link in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'t> {
    /// Counts from 1.
    pub line: usize,
    /// The link with its brackets.
    pub text: &'t str,
    /// The fact that contains it, `friend` in `- friend: [[entities/bo.md]]`.
    pub relation: Option<&'t str>,
    /// Whether it is an inline link, `[text](address)`, whose address is seen from its file.
    pub is_inline: bool,
}

/// The longest link that is one.
const LINK_BYTES_MAX: usize = 1024;

/// The links of a text to files, `[[name]]` and `[text](address)`: those in code and comments,
/// and those that lead elsewhere, are left out.
#[must_use]
pub fn links(text: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    for (line, content) in lines(text) {
        let relation = fact(content).map(|(name, _)| name);
        let mut rest = content;
        while !rest.is_empty() {
            let (link, used) = step(rest);
            if let Some((text, is_inline)) = link {
                links.push(Link {
                    line,
                    text,
                    relation,
                    is_inline,
                });
            }
            rest = rest.get(used..).unwrap_or_default();
        }
    }
    links
}

/// The link with which a line goes on, and how much of the line is done with.
fn step(rest: &str) -> (Option<(&str, bool)>, usize) {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    if rest.starts_with('\\') {
        let next = rest.get(1..).and_then(|rest| rest.chars().next());
        return (None, 1 + next.map_or(0, char::len_utf8));
    }
    if rest.starts_with('`') {
        return (None, code(rest));
    }
    if let Some(comment) = rest.strip_prefix("<!--") {
        return (None, comment.find("-->").map_or(rest.len(), |end| end + 7));
    }
    if rest.starts_with("[[") {
        return named(rest);
    }
    if rest.starts_with('[')
        && let Some(link) = inline_link(rest)
        && link.bytes <= LINK_BYTES_MAX
    {
        return match is_local(link.address) {
            true => (rest.get(..link.bytes).map(|text| (text, true)), link.bytes),
            // Another link may stand in its text.
            false => (None, 1),
        };
    }
    (None, first)
}

/// The bytes of a code span, or of marks that begin none.
fn code(rest: &str) -> usize {
    let count = rest.len() - rest.trim_start_matches('`').len();
    let mark = rest.get(..count).unwrap_or_default();
    let mut at = count;
    while let Some(found) = rest.get(at..).and_then(|rest| rest.find(mark)) {
        let start = at + found;
        let after = rest.get(start..).unwrap_or_default();
        let length = after.len() - after.trim_start_matches('`').len();
        at = start + length;
        if length == count {
            return at;
        }
    }
    count
}

/// `[[name]]`.
fn named(rest: &str) -> (Option<(&str, bool)>, usize) {
    let Some(end) = near(rest, LINK_BYTES_MAX + 4).find("]]") else {
        return (None, 2);
    };
    let inner = rest.get(2..end).unwrap_or_default();
    // `[[a [[b]]`: the inner one is the link.
    if let Some(nested) = inner.rfind("[[") {
        return (None, nested + 2);
    }
    match !inner.trim().is_empty() {
        true => (rest.get(..end + 2).map(|text| (text, false)), end + 2),
        false => (None, end + 2),
    }
}

/// Whether an address names a file rather than a page of the web or a heading of the same text.
fn is_local(address: &str) -> bool {
    let scheme = address
        .split([':', '/', '#', '?'])
        .next()
        .unwrap_or_default();
    let has_scheme = address
        .get(scheme.len()..)
        .is_some_and(|rest| rest.starts_with(':'));
    !address.is_empty()
        && !has_scheme
        && !address.starts_with(['#', '?'])
        && !address.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_where_they_are_meant() {
        for (text, expect) in [
            ("[[a]] and [[b|c]]", vec!["[[a]]", "[[b|c]]"]),
            ("`[[a]]` ``[[b]] ` [[c]]`` [[d]]", vec!["[[d]]"]),
            ("<!-- [[a]] --> [[b]]", vec!["[[b]]"]),
            ("<!--\n[[a]]\n-->\n[[b]]", vec!["[[b]]"]),
            ("| [[a\\|b]] | c |", vec!["[[a\\|b]]"]),
            ("\\[[a]]", vec![]),
            ("[[a [[b]]", vec!["[[b]]"]),
            ("[[]] [[ ]] [[a", vec![]),
            ("~~~\n[[a]]\n```\n[[b]]\n~~~\n[[c]]", vec!["[[c]]"]),
            ("````\n```\n[[a]]\n````\n[[b]]", vec!["[[b]]"]),
            ("---\nrelated: \"[[a]]\"\n---\n[[b]]", vec!["[[b]]"]),
            ("![[a.png]]", vec!["[[a.png]]"]),
            (
                "[a](b.md) [c](https://d) [e](#f) [g](mailto:h)",
                vec!["[a](b.md)"],
            ),
            ("[x [[a]] y](https://b)", vec!["[[a]]"]),
            ("`a", vec![]),
            ("é[[ü]]", vec!["[[ü]]"]),
        ] {
            let found: Vec<&str> = links(text).iter().map(|link| link.text).collect();
            assert_eq!(found, expect, "{text}");
        }
    }
}
