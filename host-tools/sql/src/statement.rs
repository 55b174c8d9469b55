//! The text of a query: one statement, and the names it mentions.
//!
//! SQLite hands back the rest of a text that holds several statements, and the
//! driver would walk it recursively; so a second statement is refused before
//! SQLite sees the text.

use std::collections::HashSet;

/// Why a text is not one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotOne {
    /// There is nothing but blanks and comments.
    Empty,
    /// There is more after the first `;`.
    Several,
    /// There is a NUL character.
    Nul,
}

/// The one statement of `text`, without what follows its `;`.
pub(super) fn single(text: &str) -> Result<&str, NotOne> {
    if text.contains('\0') {
        return Err(NotOne::Nul);
    }
    let mut begun = false;
    let mut end = None;
    let mut at = 0;
    while at < text.len() {
        let (token, length) = next(text.as_bytes().get(at..).unwrap_or_default());
        match token {
            Token::Blank => {}
            Token::Semicolon if begun && end.is_none() => end = Some(at),
            Token::Semicolon => {}
            Token::Other if end.is_some() => return Err(NotOne::Several),
            Token::Other => begun = true,
        }
        at += length;
    }
    if !begun {
        return Err(NotOne::Empty);
    }
    Ok(end.and_then(|end| text.get(..end)).unwrap_or(text))
}

/// Every word of `text`, in lower case: whatever table it names, the name is
/// among them if it is made of letters, digits and underscores.
pub(super) fn words(text: &str) -> HashSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

enum Token {
    Blank,
    Semicolon,
    Other,
}

/// What the bytes begin with, and how long it is (never 0).
fn next(bytes: &[u8]) -> (Token, usize) {
    let until = |from: usize, mark: &[u8]| -> usize {
        bytes
            .get(from..)
            .unwrap_or_default()
            .windows(mark.len())
            .position(|window| window == mark)
            .map_or(bytes.len(), |found| from + found + mark.len())
    };
    match (bytes.first(), bytes.get(1)) {
        (Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c), _) => (Token::Blank, 1),
        (Some(b';'), _) => (Token::Semicolon, 1),
        (Some(b'-'), Some(b'-')) => (Token::Blank, until(2, b"\n")),
        (Some(b'/'), Some(b'*')) => (Token::Blank, until(2, b"*/")),
        // A doubled quote ends one string and begins the next: the same here.
        (Some(quote @ (b'\'' | b'"' | b'`')), _) => (Token::Other, until(1, &[*quote])),
        (Some(b'['), _) => (Token::Other, until(1, b"]")),
        _ => (Token::Other, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_found() {
        for (text, expected) in [
            ("select 1", Ok("select 1")),
            ("select 1;", Ok("select 1")),
            ("select 1 ; -- done\n /* ; */ ;;", Ok("select 1 ")),
            (
                "select ';', \";\", `;`, [;]; ",
                Ok("select ';', \";\", `;`, [;]"),
            ),
            ("select 'it''s; fine'", Ok("select 'it''s; fine'")),
            ("-- ;\nselect 1", Ok("-- ;\nselect 1")),
            ("; select 1", Ok("; select 1")),
            ("select 1; select 2", Err(NotOne::Several)),
            ("select 1;;'", Err(NotOne::Several)),
            ("", Err(NotOne::Empty)),
            (" ; -- select", Err(NotOne::Empty)),
            ("select 1\0; drop", Err(NotOne::Nul)),
            ("select 'open", Ok("select 'open")),
            ("select 1 /* open", Ok("select 1 /* open")),
        ] {
            assert_eq!(single(text), expected, "{text:?}");
        }
    }

    #[test]
    fn words_hold_every_plain_name() {
        let words = words("SELECT a.x FROM \"Sales\", [b2] WHERE c_d='né'");
        for word in ["sales", "b2", "c_d", "a", "x"] {
            assert!(words.contains(word), "{word}");
        }
    }
}
