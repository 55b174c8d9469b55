//! Links between the pages of an export, as links of a memory.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use memex_memory::markdown::{inline_link, unescaped};

use crate::text::apart;

/// Where a file of the export goes.
pub(super) struct Place {
    pub(super) title: String,
    pub(super) path: String,
}

impl Place {
    /// Whether the path says what a link's text says, so that the text can go: it is the
    /// title, and all of that is in the path.
    fn says(&self, text: &str) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix(".md").unwrap_or(name);
        let is_title = text == self.title && text.to_lowercase().replace(' ', "_") == name;
        is_title || text.is_empty()
    }
}

/// Where the files of an export go.
#[derive(Default)]
pub(super) struct Places<'n> {
    by_name: BTreeMap<&'n str, Place>,
    /// Names by what makes them unique.
    by_id: HashMap<String, &'n str>,
}

impl<'n> Places<'n> {
    pub(super) fn insert(&mut self, name: &'n str, id: Option<&str>, place: Place) {
        if let Some(id) = id {
            self.by_id.insert(id.to_ascii_lowercase(), name);
        }
        self.by_name.insert(name, place);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Place> {
        self.by_name.get(name)
    }

    /// All files by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.by_name.iter().map(|(name, place)| (*name, place))
    }

    /// The file that an address names, seen from another file.
    fn find(&self, from: &str, address: &str) -> Option<&Place> {
        if address.contains("://") {
            return self.of_service(address);
        }
        let end = address.find(['?', '#']).unwrap_or(address.len());
        let path = joined(from, &unescaped(address.get(..end).unwrap_or(address)))?;
        let whole = path
            .strip_suffix(".csv")
            .map(|view| format!("{view}_all.csv"));
        let whole = whole.and_then(|whole| self.by_name.get(whole.as_str()));
        self.by_name.get(path.as_str()).or(whole)
    }

    /// The file of a page that an address of the service itself names.
    fn of_service(&self, address: &str) -> Option<&Place> {
        let (_, rest) = address.split_once("://")?;
        let (host, rest) = rest.split_once('/')?;
        let host = host.strip_prefix("www.").unwrap_or(host);
        let is_notion =
            host == "notion.so" || host == "app.notion.com" || host.ends_with(".notion.site");
        if !is_notion && host != "app.nuclino.com" {
            return None;
        }
        let rest = rest.split('#').next().unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A page that is shown above a table stands in the query.
        let shown = query.split('&').find_map(|pair| pair.strip_prefix("p="));
        let last = path.trim_end_matches('/').rsplit('/').next();
        let name = shown.into_iter().chain(last).find_map(|text| {
            let digits: String = text.chars().filter(|c| *c != '-').collect();
            let digits = digits.to_ascii_lowercase();
            let id = digits.get(digits.len().checked_sub(ID_DIGITS)?..)?;
            let known = self.by_id.get(id);
            // Names are made unique by the first digits, where they are not by all.
            known.or_else(|| self.by_id.get(id.get(..SHORT_ID_DIGITS)?))
        })?;
        self.by_name.get(name)
    }
}

/// The longest address of a relation.
const RELATION_BYTES_MAX: usize = 4096;
/// Digits of an identifier, and of its short form.
const ID_DIGITS: usize = 32;
const SHORT_ID_DIGITS: usize = 8;

/// The text with its links to other pages as links of a memory.
pub(super) fn linked(text: &str, from: &str, places: &Places<'_>) -> String {
    let text = apart(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['[', 'h', '\\']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let used = match rest.as_bytes() {
            [b'[', ..] => bracketed(rest, from, places, &mut out),
            // A bracket behind one begins no link.
            [b'\\', b'[' | b'\\', ..] => {
                out.push_str(rest.get(..2).unwrap_or_default());
                2
            }
            [b'\\', ..] => {
                out.push('\\');
                1
            }
            _ => bare(rest, places, &mut out),
        };
        rest = rest.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Writes what begins with a bracket; how much of it.
fn bracketed(rest: &str, from: &str, places: &Places<'_>, out: &mut String) -> usize {
    let link = inline_link(rest);
    let place = link.and_then(|link| places.find(from, link.address));
    match (link, place) {
        (Some(link), Some(place)) => {
            let _ = match place.says(link.text) {
                true => write!(out, "[[{}]]", place.path),
                false => write!(out, "{} [[{}]]", link.text, place.path),
            };
            link.bytes
        }
        // An address that is kept is not looked into.
        (Some(link), None) if !link.text.contains('[') => {
            out.push_str(rest.get(..link.bytes).unwrap_or_default());
            link.bytes
        }
        _ => {
            out.push('[');
            1
        }
    }
}

/// Writes an address without brackets, or the letter that begins none; how much of it.
fn bare(rest: &str, places: &Places<'_>, out: &mut String) -> usize {
    if rest.starts_with("https://") || rest.starts_with("http://") {
        let end = rest.find(|c: char| c.is_whitespace() || "<>()[]\"|".contains(c));
        let address = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let address = address.trim_end_matches(['.', ',', ';']);
        match places.of_service(address) {
            Some(place) => {
                let _ = write!(out, "[[{}]]", place.path);
            }
            None => out.push_str(address),
        }
        return address.len();
    }
    out.push('h');
    1
}

/// A value of a property, with its relations as links: `Name (address), Name (address)`.
pub(super) fn related(value: &str, from: &str, places: &Places<'_>) -> String {
    let mut out = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(open) = value
        .get(at..)
        .and_then(|rest| rest.find('('))
        .map(|open| at + open)
    {
        // Links of Markdown have their own brackets, and an escaped one begins nothing.
        if value
            .get(..open)
            .is_some_and(|before| before.ends_with([']', '\\']))
        {
            at = open + 1;
            continue;
        }
        // As the address of a link without a text; the longest one that is looked at.
        let rest = value.get(open..).unwrap_or_default();
        let rest = rest.get(..rest.floor_char_boundary(RELATION_BYTES_MAX));
        let link = format!("[]{}", rest.unwrap_or_default());
        let found = inline_link(&link).and_then(|link| {
            let place = places.find(from, link.address)?;
            Some((place, open + link.bytes - 2))
        });
        let Some((place, end)) = found else {
            at = open + 1;
            continue;
        };
        let before = value.get(done..open).unwrap_or_default();
        let name = before.trim_start_matches([',', ';', ' ']).trim_end();
        if !out.is_empty() {
            out.push_str(", ");
        }
        let _ = match place.says(name) {
            true => write!(out, "[[{}]]", place.path),
            false => write!(out, "{} [[{}]]", linked(name, from, places), place.path),
        };
        done = end;
        at = end;
    }
    let rest = value.get(done..).unwrap_or_default();
    match out.is_empty() {
        true => linked(rest, from, places),
        false => {
            out.push_str(&linked(rest, from, places));
            out
        }
    }
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

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn places() -> Places<'static> {
        let place = |title: &str| Place {
            title: title.to_owned(),
            path: format!("entities/n/{title}.md"),
        };
        let mut places = Places::default();
        places.insert("a/B c.md", Some(ID), place("b"));
        places.insert("a/P (v2).md", Some("deadbeef"), place("p"));
        places.insert("d.md", None, place("d"));
        places
    }

    #[test]
    fn links_between_pages() {
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        for (text, expect) in [
            ("x [b](B%20c.md) y", "x [[entities/n/b.md]] y"),
            ("[see](<B c.md>)!", "see [[entities/n/b.md]]!"),
            ("[d](../d.md#top)", "[[entities/n/d.md]]"),
            ("[d](../../d.md)", "[d](../../d.md)"),
            ("[P (v2)](P%20(v2).md).", "P (v2) [[entities/n/p.md]]."),
            ("[w](https://example.com)", "[w](https://example.com)"),
            ("![i](i.png) [ [[x]]", "![i](i.png) [ [ [x]]"),
            ("[[[x]] [b](B%20c.md)", "[ [ [x]] [[entities/n/b.md]]"),
            ("[é", "[é"),
            (
                "\\[b](B%20c.md) \\\\[d](../d.md)",
                "\\[b](B%20c.md) \\\\[[entities/n/d.md]]",
            ),
            (
                &format!("[b](https://www.notion.so/team/B-c-{ID}?pvs=4#x) h"),
                "[[entities/n/b.md]] h",
            ),
            (
                &format!("see https://www.notion.so/{uuid}, then"),
                "see [[entities/n/b.md]], then",
            ),
            (
                &format!("<https://notion.so/0?v=1&p={ID}>"),
                "<[[entities/n/b.md]]>",
            ),
            (
                "[x](https://app.nuclino.com/t/b/deadbeef-89ab-cdef-0123-456789abcdef)",
                "x [[entities/n/p.md]]",
            ),
            (
                &format!("https://example.com/{ID}"),
                &format!("https://example.com/{ID}"),
            ),
        ] {
            assert_eq!(linked(text, "a/x.md", &places()), expect, "{text}");
        }
    }

    #[test]
    fn brackets_that_nothing_closes_take_no_time_that_grows_with_their_square() {
        // On one line, each of these was searched from each of its brackets.
        for part in [
            "[",
            "[x ",
            "\\[x ",
            "[x](",
            "[x](<",
            "(",
            "\\(",
            "[](<>",
            "[[]](<>",
            "https://a[",
        ] {
            let text = part.repeat((1 << 20) / part.len());
            let begun = std::time::Instant::now();
            let whole = linked(&text, "a/x.md", &places());
            assert!(whole.len() >= text.len(), "{part}");
            assert!(related(&text, "a/x.md", &places()).len() >= text.len() / 2);
            assert!(
                begun.elapsed().as_secs() < 20,
                "{part}: {:?}",
                begun.elapsed()
            );
        }
    }

    #[test]
    fn relations_of_properties() {
        for (value, expect) in [
            ("b (B%20c.md)", "[[entities/n/b.md]]"),
            (
                "P (v2) (P%20(v2).md), d (../d.md)",
                "P (v2) [[entities/n/p.md]], [[entities/n/d.md]]",
            ),
            (
                &format!("B, c (https://www.notion.so/B-c-{ID}?pvs=21)"),
                "B, c [[entities/n/b.md]]",
            ),
            ("nobody (x.md)", "nobody (x.md)"),
            ("[b](B%20c.md)", "[[entities/n/b.md]]"),
            ("plain (a, b", "plain (a, b"),
        ] {
            assert_eq!(related(value, "a/x.md", &places()), expect, "{value}");
        }
    }
}
