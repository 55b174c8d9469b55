//! Links between the pages of an export, as links of a memory.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Where a file of the export goes.
pub(super) struct Place {
    pub(super) title: String,
    pub(super) path: String,
}

/// The text with its links to other pages as links of a memory.
pub(super) fn linked(text: &str, from: &str, places: &BTreeMap<&str, Place>) -> String {
    let text = text.replace("[[", "[ [");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('[') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let link = link(rest);
        let place = link.as_ref().and_then(|link| {
            let path = joined(from, &decoded(link.target))?;
            let whole = path
                .strip_suffix(".csv")
                .map(|view| format!("{view}_all.csv"));
            let whole = whole.and_then(|whole| places.get(whole.as_str()));
            places.get(path.as_str()).or(whole)
        });
        match (link, place) {
            (Some(link), Some(place)) => {
                let is_title = link.text == place.title || link.text.is_empty();
                let _ = match is_title {
                    true => write!(out, "[[{}]]", place.path),
                    false => write!(out, "{} [[{}]]", link.text, place.path),
                };
                rest = rest.get(link.bytes..).unwrap_or_default();
            }
            _ => {
                out.push('[');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

struct MarkdownLink<'t> {
    text: &'t str,
    target: &'t str,
    bytes: usize,
}

/// The longest link that is looked at.
const LINK_BYTES_MAX: usize = 2048;

/// `[text](target)` or `[text](<target>)` at the beginning of a text.
fn link(text: &str) -> Option<MarkdownLink<'_>> {
    let mut end = text.len().min(LINK_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let near = text.get(..end)?;
    let middle = near.find("](")?;
    let inner = near.get(1..middle)?;
    if inner.contains(['[', '\n']) {
        return None;
    }
    let after = near.get(middle + 2..)?;
    let (target, length) = match after.strip_prefix('<') {
        Some(quoted) => (quoted.get(..quoted.find(">)")?)?, quoted.find(">)")? + 3),
        None => (after.get(..after.find(')')?)?, after.find(')')? + 1),
    };
    (!target.contains('\n')).then_some(MarkdownLink {
        text: inner,
        target,
        bytes: middle + 2 + length,
    })
}

/// A link's target without query and heading, its escapes replaced.
fn decoded(target: &str) -> String {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let bytes = target.get(..end).unwrap_or(target).as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3);
        let hex = hex
            .filter(|_| *byte == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A path seen from a file; only ever looked up among the names there are.
fn joined(from: &str, target: &str) -> Option<String> {
    let above = from.rsplit_once('/').map_or("", |(above, _)| above);
    let mut parts: Vec<&str> = above.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_between_pages() {
        let place = |title: &str| Place {
            title: title.to_owned(),
            path: format!("entities/n/{title}.md"),
        };
        let places = BTreeMap::from([("a/B c.md", place("b")), ("d.md", place("d"))]);
        for (text, expect) in [
            ("x [b](B%20c.md) y", "x [[entities/n/b.md]] y"),
            ("[see](<B c.md>)!", "see [[entities/n/b.md]]!"),
            ("[d](../d.md#top)", "[[entities/n/d.md]]"),
            ("[d](../../d.md)", "[d](../../d.md)"),
            ("[w](https://example.com)", "[w](https://example.com)"),
            ("![i](i.png) [ [[x]]", "![i](i.png) [ [ [x]]"),
            ("[é", "[é"),
        ] {
            assert_eq!(linked(text, "a/x.md", &places), expect, "{text}");
        }
    }
}
