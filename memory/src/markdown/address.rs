//! Inline links, `[text](address "title")`.

/// An inline link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InlineLink<'t> {
    /// What stands in the brackets.
    pub text: &'t str,
    /// The address, with its escapes.
    pub address: &'t str,
    /// How many bytes the link has.
    pub bytes: usize,
}

/// The longest link that is one.
const LINK_BYTES_MAX: usize = 4096;
/// Brackets in one another. It bounds what a search takes: of all that begin before a place in
/// a text, so many reach it.
const DEPTH_MAX: usize = 32;

/// The inline link with which a text begins. As CommonMark has it, balanced brackets belong to
/// the text and to the address; an address may hold spaces even without `<` and `>`, since
/// people write it so.
#[must_use]
pub fn inline_link(text: &str) -> Option<InlineLink<'_>> {
    let near = near(text, LINK_BYTES_MAX);
    let middle = closing(near, '[', ']')?;
    let inner = near.get(1..middle)?;
    let after = near.get(middle + 1..)?;
    let (address, length) = match after.strip_prefix("(<") {
        Some(quoted) => {
            let quoted = quoted.split('\n').next().unwrap_or_default();
            // An address has no `<`, and the next link is not searched.
            let inside = quoted.split('<').next().unwrap_or_default();
            let end = inside.find(">)");
            let end = end.or_else(|| {
                let end = inside.find('>')?;
                quoted.get(end..)?.ends_with(')').then_some(end)
            })?;
            let close = quoted.get(end..)?.find(')')?;
            (quoted.get(..end)?, end + close + 3)
        }
        None => {
            let close = closing(after, '(', ')')?;
            (untitled(after.get(1..close)?.trim()), close + 1)
        }
    };
    Some(InlineLink {
        text: inner,
        address,
        bytes: middle + 1 + length,
    })
}

/// The beginning of a text, of whole characters.
pub(super) fn near(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or_default()
}

/// The bracket that closes the one with which a text begins, on its line.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if (at == 0 && c != open) || c == '\n' {
            return None;
        }
        if std::mem::take(&mut is_escaped) {
            continue;
        }
        if c == '\\' {
            is_escaped = true;
        } else if c == open {
            if depth == DEPTH_MAX {
                return None;
            }
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// An address without the title behind it.
fn untitled(inner: &str) -> &str {
    for (open, close) in [('"', '"'), ('\'', '\'')] {
        let Some(before) = inner.strip_suffix(close) else {
            continue;
        };
        if let Some(at) = before.find(open)
            && before
                .get(..at)
                .is_some_and(|address| address.ends_with(' '))
        {
            return before.get(..at).unwrap_or(before).trim_end();
        }
    }
    inner
}

/// An address with its escapes replaced: `%20`, and backslashes before punctuation.
#[must_use]
pub fn unescaped(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%');
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        let value = hex
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (value, after.first()) {
            (Some(value), _) => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            (None, Some(next)) if *first == b'\\' && next.is_ascii_punctuation() => {
                bytes.push(*next);
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        // Escapes that spell no text are none.
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_brackets_belong_to_the_link() {
        for (text, expect) in [
            ("[a](b.md) c", Some(("a", "b.md", 9))),
            ("[a](b (v2).md)", Some(("a", "b (v2).md", 14))),
            ("[a [b] c](d)", Some(("a [b] c", "d", 12))),
            ("[a\\]](b)", Some(("a\\]", "b", 8))),
            ("[a](<b ).md>)x", Some(("a", "b ).md", 13))),
            (
                "[a](b \"title (x\") y)",
                Some(("a", "b \"title (x\") y", 20)),
            ),
            ("[a](b.md \"title\")", Some(("a", "b.md", 17))),
            ("[a](b\\).md)", Some(("a", "b\\).md", 11))),
            ("[](b)", Some(("", "b", 5))),
            ("[a](b", None),
            ("[a] (b)", None),
            ("[a\n](b)", None),
            ("a", None),
            ("", None),
            ("[é](ü)", Some(("é", "ü", 8))),
            ("[a](<b> \"c\")", Some(("a", "b", 12))),
            ("[a](<b [c](<d>)", None),
        ] {
            let found = inline_link(text).map(|link| (link.text, link.address, link.bytes));
            assert_eq!(found, expect, "{text}");
        }
    }

    #[test]
    fn brackets_stand_in_one_another_up_to_a_bound() {
        for (depth, is_link) in [(DEPTH_MAX, true), (DEPTH_MAX + 1, false)] {
            let text = format!("{}a{}(b)", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(inline_link(&text).is_some(), is_link, "{depth}");
            let text = format!("[a]{}b{}", "(".repeat(depth), ")".repeat(depth));
            assert_eq!(inline_link(&text).is_some(), is_link, "{depth}");
        }
        for (spaces, is_link) in [(LINK_BYTES_MAX - 6, true), (LINK_BYTES_MAX - 5, false)] {
            let text = format!("[{}a](b)", " ".repeat(spaces));
            assert_eq!(inline_link(&text).is_some(), is_link, "{spaces}");
        }
    }

    #[test]
    fn escapes_are_replaced() {
        for (address, expect) in [
            ("a%20b.md", "a b.md"),
            ("zo%C3%AB", "zoë"),
            ("%ff", "%ff"),
            ("100%", "100%"),
            ("a%2", "a%2"),
            ("a\\(b\\)", "a(b)"),
            ("c:\\d", "c:\\d"),
            ("%+1", "%+1"),
        ] {
            assert_eq!(unescaped(address), expect, "{address}");
        }
    }
}
