//! What a link names, as people write links.

use crate::markdown::{inline_link, unescaped};

/// The names that a link may mean, best first: without brackets, alias and heading, as it
/// stands and with its escapes replaced.
///
/// `[[name]]`, `![[name]]`, `[text](address)`, `<address>` and a bare path are links. A `#` may
/// begin a heading or be part of a name; both are tried.
pub(crate) fn targets(link: &str) -> Vec<String> {
    let (inner, is_inline) = inner(link);
    if inner.contains("://") {
        return Vec::new();
    }
    let inner = match inner.find('|') {
        // In a table the bar is escaped.
        Some(at) => inner.get(..at).unwrap_or(inner).trim_end_matches('\\'),
        None => inner,
    };
    let whole = inner.split_once('#').map(|_| inner);
    let file = inner.split('#').next().unwrap_or(inner);
    let mut found: Vec<String> = Vec::new();
    for reading in whole.into_iter().chain([file]) {
        let readings = [
            reading.to_owned(),
            unescaped(reading),
            // As paths are written on Windows.
            reading.replace('\\', "/"),
        ];
        for name in readings {
            let name = plain(&name, is_inline);
            if !name.is_empty() && !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// What stands in the brackets of a link, and whether it is an inline one.
fn inner(link: &str) -> (&str, bool) {
    let link = link.trim().trim_matches(['"', '\'']).trim();
    // A fact with one link in it stands for that.
    let link = match (link.find("[["), link.find("]]")) {
        (Some(start), Some(end)) if start < end => link.get(start..end + 2).unwrap_or(link),
        _ => link,
    };
    let link = match link.strip_prefix('!') {
        Some(embedded) if embedded.starts_with('[') => embedded,
        _ => link,
    };
    if let Some(named) = link.strip_prefix("[[") {
        return (named.strip_suffix("]]").unwrap_or(named).trim(), false);
    }
    if let Some(inline) = inline_link(link).filter(|inline| inline.bytes == link.len()) {
        return (inline.address.trim(), true);
    }
    let quoted = link
        .strip_prefix('<')
        .and_then(|link| link.strip_suffix('>'));
    (quoted.unwrap_or(link).trim(), false)
}

/// A path without the steps that lead nowhere: `/a`, `./a` and `b/../a` are `a`. One that leads
/// out of the root is empty or, where it is seen from a folder that is not known, what it ends
/// with.
fn plain(path: &str, is_relative: bool) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.trim().split('/') {
        match step {
            "" | "." => {}
            ".." => {
                if steps.pop().is_none() && !is_relative {
                    return String::new();
                }
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// The path of the file of a name.
pub(crate) fn with_ending(path: &str) -> String {
    match path.ends_with(".md") {
        true => path.to_owned(),
        false => format!("{path}.md"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_their_readings() {
        for (link, expect) in [
            ("[[a]]", vec!["a"]),
            ("![[a.png]]", vec!["a.png"]),
            ("[[a|A]]", vec!["a"]),
            ("[[a\\|A]]", vec!["a"]),
            ("[[a#h]]", vec!["a#h", "a"]),
            ("[[a#^block|A]]", vec!["a#^block", "a"]),
            ("[A](b/a.md)", vec!["b/a.md"]),
            (
                "[A](a%20b.md#h)",
                vec!["a%20b.md#h", "a b.md#h", "a%20b.md", "a b.md"],
            ),
            ("[A](<a b.md>)", vec!["a b.md"]),
            ("<a.md>", vec!["a.md"]),
            ("/b/./x/../a", vec!["b/a"]),
            ("[[../a]]", vec![]),
            ("[A](../b/a.md)", vec!["b/a.md"]),
            ("[A](https://b/a.md)", vec![]),
            ("[[#h]]", vec!["#h"]),
            ("[[]]", vec![]),
            ("", vec![]),
            ("[A](b) c", vec!["[A](b) c"]),
            ("- friend: [[a]]", vec!["a"]),
            ("\"[[a]]\"", vec!["a"]),
            ("[[b\\a]]", vec!["b\\a", "b/a"]),
        ] {
            assert_eq!(targets(link), expect, "{link}");
        }
    }
}
